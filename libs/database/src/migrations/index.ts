import { Tenants1764000000000 } from './1764000000000-tenants';
import { Messages1764000001000 } from './1764000001000-messages';
import { DeadLetters1764000002000 } from './1764000002000-dead-letters';
import { Replicas1764000003000 } from './1764000003000-replicas';
import { Ownership1764000004000 } from './1764000004000-ownership';
import { Tokens1764000005000 } from './1764000005000-tokens';
import { SecondWall1764000006000 } from './1764000006000-second-wall';
import { Limits1764000007000 } from './1764000007000-limits';
import { UncountedRedeliveries1764000008000 } from './1764000008000-uncounted-redeliveries';
import { PartitionGroups1764000009000 } from './1764000009000-partition-groups';
import { LimitChanges1764000010000 } from './1764000010000-limit-changes';

/** In the order in which they run. */
export const migrations = [
  Tenants1764000000000,
  Messages1764000001000,
  DeadLetters1764000002000,
  Replicas1764000003000,
  Ownership1764000004000,
  Tokens1764000005000,
  SecondWall1764000006000,
  Limits1764000007000,
  UncountedRedeliveries1764000008000,
  PartitionGroups1764000009000,
  LimitChanges1764000010000,
] as const;
