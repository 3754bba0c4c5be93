import { eventually } from '../support/eventually';
import type { World } from './world';

/** Far more than is promised, so that a figure is told rather than a time-out. */
const GIVE_UP_MS = 90_000;

export interface Recovery {
  /** From the end of the fault until each replica accepts again. */
  readonly publishingMs: number;
  /** From the end of the fault until what was then accepted can be read. */
  readonly storingMs: number;
}

/** Measures how long it takes from now until everything works again, through both replicas. */
export async function measureRecovery(world: World, tenantId: string): Promise<Recovery> {
  const begin = performance.now();
  const within = { withinMs: GIVE_UP_MS };
  const sent = world.replicas.map(({ program }) =>
    eventually(() => program.api.send(tenantId, 'probe'), within),
  );
  const ids = await Promise.all(sent);
  const publishingMs = performance.now() - begin;
  const reader = world.replicas[0].program.api;
  await eventually(async () => {
    for (const id of ids) {
      expect(await reader.status(`/api/tenants/${tenantId}/messages/${id}`)).toBe(200);
    }
  }, within);
  return { publishingMs, storingMs: performance.now() - begin };
}
