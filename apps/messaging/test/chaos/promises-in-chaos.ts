import { randomInt } from 'node:crypto';
import { type ChaosReport, runChaos } from './chaos-run';
import { faults } from './faults';
import { reportOf } from './report';
import { World } from './world';

const LONGEST_FAULT_MS = 120_000;

/** Lets every kind of fault happen `rounds` times, and says what must have come of it. */
export function promisesInChaos(rounds: number): void {
  const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));
  const count = Number(process.env['CHAOS_FAULTS'] ?? rounds * faults.length);
  let world: World;
  let report: ChaosReport;

  beforeAll(async () => {
    process.stdout.write(`chaos with seed ${seed}: CHAOS_SEED=${seed} makes the same run again\n`);
    world = await World.start();
    report = await runChaos(world, seed, count);
    process.stdout.write(reportOf(report));
  }, count * LONGEST_FAULT_MS);

  afterAll(() => world.stop());

  it('loses no message that it accepted', () => {
    expect(report.accepted).toBeGreaterThan(100);
    expect(report.lost).toEqual([]);
  });

  it('stores none twice', () => {
    expect(report.twice).toBe(0);
  });

  it('makes no dead letters of outages', () => {
    expect(report.deadLetters).toBe(0);
  });

  it('accepts again within 5 s of the end of each fault, and stores again within 10 s', () => {
    for (const { kind, publishingMs, storingMs } of report.suffered) {
      expect({ kind, late: publishingMs > 5_000 }).toEqual({ kind, late: false });
      expect({ kind, late: storingMs > 10_000 }).toEqual({ kind, late: false });
    }
  });
}
