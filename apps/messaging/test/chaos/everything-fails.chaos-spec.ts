import { randomInt } from 'node:crypto';
import { type ChaosReport, runChaos } from './chaos-run';
import { reportOf } from './report';
import { World } from './world';

const SEED = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));
/** Three of each kind by default. */
const FAULTS = Number(process.env['CHAOS_FAULTS'] ?? 39);
const TIME_OUT_MS = FAULTS * 120_000;

describe('while everything fails in turn', () => {
  let world: World;
  let report: ChaosReport;

  beforeAll(async () => {
    process.stdout.write(`chaos with seed ${SEED}: CHAOS_SEED=${SEED} makes the same run again\n`);
    world = await World.start();
    report = await runChaos(world, SEED, FAULTS);
    process.stdout.write(reportOf(report));
  }, TIME_OUT_MS);

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
});
