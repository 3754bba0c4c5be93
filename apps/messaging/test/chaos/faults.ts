import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { freezeAll, resumeAll } from '../support/freeze';
import { rabbitmqctl } from '../support/rabbitmqctl';
import type { Random } from './random';
import type { Replica, World } from './world';

/** Something that goes wrong, and is over when its promise resolves. */
export interface Fault {
  readonly kind: string;
  inflict(world: World, random: Random): Promise<void>;
}

/** Long enough to be noticed, heartbeats included; short enough to have many. */
const pause = (random: Random, low = 1_000, high = 6_000): Promise<void> =>
  delay(random.between(low, high));

const replicaOf = (world: World, random: Random): Replica => random.pick(world.replicas);

/** Nearly nothing of the memory may be used, or nearly all of the disk must be free. */
const alarms = [
  {
    raise: ['set_vm_memory_high_watermark', '0.00001'],
    end: ['set_vm_memory_high_watermark', '0.4'],
  },
  { raise: ['set_disk_free_limit', '1000000GB'], end: ['set_disk_free_limit', '200MB'] },
] as const;

/** Every kind that there is. The broker's and the database's are the servers' own deaths and stops. */
export const faults: readonly Fault[] = [
  {
    kind: 'replica killed (-9)',
    inflict: async (world, random) => {
      const replica = replicaOf(world, random);
      await replica.program.kill();
      await pause(random, 0, 2_000);
      await replica.begin();
    },
  },
  {
    kind: 'replica stopped (SIGTERM)',
    inflict: async (world, random) => {
      const replica = replicaOf(world, random);
      await replica.program.stop();
      await replica.begin();
    },
  },
  {
    kind: 'replica frozen (SIGSTOP)',
    inflict: async (world, random) => {
      const { program } = replicaOf(world, random);
      program.signal('SIGSTOP');
      await pause(random);
      program.signal('SIGCONT');
    },
  },
  { kind: 'broker restarted', inflict: ({ rabbitmq }) => rabbitmq.restart() },
  {
    kind: 'broker killed (-9)',
    inflict: async ({ rabbitmq }) => {
      const { exited } = rabbitmq;
      rabbitmq.kill('SIGKILL');
      await exited;
      await rabbitmq.restart();
    },
  },
  {
    kind: 'broker frozen (SIGSTOP)',
    inflict: async ({ rabbitmq }, random) => {
      rabbitmq.freeze();
      await pause(random);
      rabbitmq.resume();
    },
  },
  {
    kind: 'broker blocked (alarm)',
    inflict: async ({ rabbitmq, replicas }, random) => {
      const { raise, end } = random.pick(alarms);
      const { api } = replicas[0].program;
      await rabbitmqctl(rabbitmq, ...raise);
      await eventually(async () => expect(await api.status('/health/ready')).toBe(503));
      await pause(random);
      await rabbitmqctl(rabbitmq, ...end);
    },
  },
  {
    kind: 'database restarted',
    inflict: async ({ postgres }) => postgres.restart(),
  },
  {
    kind: 'database killed (-9)',
    inflict: async ({ postgres }) => {
      const { exited } = postgres;
      postgres.kill('SIGKILL');
      await exited;
      await postgres.restart();
    },
  },
  {
    kind: 'database frozen (SIGSTOP)',
    inflict: async ({ postgres }, random) => {
      freezeAll(postgres.pid);
      await pause(random);
      resumeAll(postgres.pid);
    },
  },
  {
    kind: 'line to the broker cut',
    inflict: async (world, random) => {
      const { toBroker } = replicaOf(world, random);
      toBroker.cut();
      await pause(random, 0, 3_000);
      toBroker.restore();
    },
  },
  {
    kind: 'line to the broker silent',
    inflict: async (world, random) => {
      const { toBroker } = replicaOf(world, random);
      toBroker.freeze();
      await pause(random);
      toBroker.restore();
    },
  },
  {
    kind: 'line to the database cut',
    inflict: async (world, random) => {
      const { toDatabase } = replicaOf(world, random);
      toDatabase.cut();
      await pause(random, 0, 3_000);
      toDatabase.restore();
    },
  },
  {
    kind: 'line to the database silent',
    inflict: async (world, random) => {
      const { toDatabase } = replicaOf(world, random);
      toDatabase.freeze();
      await pause(random);
      toDatabase.restore();
    },
  },
];
