import { Tenants1764000000000 } from './1764000000000-tenants';
import { Messages1764000001000 } from './1764000001000-messages';
import { DeadLetters1764000002000 } from './1764000002000-dead-letters';
import { Replicas1764000003000 } from './1764000003000-replicas';
import { Tokens1764000005000 } from './1764000005000-tokens';

/** In the order in which they run. */
export const migrations = [
  Tenants1764000000000,
  Messages1764000001000,
  DeadLetters1764000002000,
  Replicas1764000003000,
  Tokens1764000005000,
] as const;
