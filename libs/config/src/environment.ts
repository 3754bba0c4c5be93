import { Transform, type TransformFnParams } from 'class-transformer';
import {
  ArrayMinSize,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { IsUrlOf } from './is-url-of';

export type Role = 'api' | 'consumer';
const ROLES: readonly Role[] = ['api', 'consumer'];
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** A whole number, or what was given as it came, for the validator to name. */
const toInteger = ({ value }: TransformFnParams): unknown =>
  typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : (value as unknown);

const toBoolean = ({ value }: TransformFnParams): unknown =>
  value === 'true' ? true : value === 'false' ? false : (value as unknown);

const toList = ({ value }: TransformFnParams): unknown =>
  typeof value === 'string' ? value.split(',').map((item) => item.trim()) : (value as unknown);

/**
 * Everything that the program takes from its environment, under the variables' own names, so that
 * a reader who knows `.env.example` knows this class. Built by {@link loadEnvironment}.
 */
export class Environment {
  /** The address that HTTP listens on. */
  @IsString()
  @IsNotEmpty()
  HOST = '127.0.0.1';

  @Transform(toInteger)
  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT = 3000;

  @IsUrlOf(['postgres', 'postgresql'], 'postgres://user@host/db')
  DATABASE_URL!: string;

  /** Connections to PostgreSQL per process. */
  @Transform(toInteger)
  @IsInt()
  @Min(4, { message: 'must be at least 4: two store messages, the others serve requests' })
  @Max(1000)
  DATABASE_POOL_SIZE = 10;

  /** One URL, or one per node of a cluster. */
  @Transform(toList)
  @ArrayMinSize(1)
  @IsUrlOf(['amqp', 'amqps'], 'amqp://user@host', { each: true })
  RABBITMQ_URL!: string[];

  @IsIn(['quorum', 'classic'])
  QUEUE_TYPE: 'quorum' | 'classic' = 'quorum';

  /** What this process does; health and metrics are served in every role. */
  @Transform(toList)
  @ArrayMinSize(1)
  @IsIn(ROLES, { each: true, message: 'may name api, consumer, or both, comma-separated' })
  ROLES: Role[] = [...ROLES];

  @Transform(toInteger)
  @IsInt()
  @Min(1)
  DEFAULT_WORKERS = 3;

  /** AMQP's prefetch count is 16 bits wide. */
  @Transform(toInteger)
  @IsInt()
  @Min(1)
  @Max(65_535)
  MAX_WORKERS = 1000;

  /** Not above the broker's `max_message_size`, which ends the connection of who publishes more. */
  @Transform(toInteger)
  @IsInt()
  @Min(1)
  @Max(16 * 1024 * 1024, { message: 'must be at most 16777216, which is what RabbitMQ takes' })
  MAX_MESSAGE_BYTES = 262_144;

  /** Open HTTP connections; one more is closed at once. */
  @Transform(toInteger)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  MAX_CONNECTIONS = 10_000;

  /** How long a caller may take to send a whole request. */
  @Transform(toInteger)
  @IsInt()
  @Min(1000)
  @Max(3_600_000)
  REQUEST_TIMEOUT_MS = 60_000;

  /** Deliveries before a message that keeps killing its consumer is set aside. */
  @Transform(toInteger)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  DEAD_LETTER_AFTER = 5;

  @Transform(toInteger)
  @IsInt()
  @Min(1000)
  @Max(3_600_000)
  SHUTDOWN_TIMEOUT_MS = 25_000;

  @IsIn(['jwt', 'off'])
  AUTH_MODE: 'jwt' | 'off' = 'jwt';

  @Transform(toBoolean)
  @IsBoolean({ message: 'must be true or false' })
  AUTH_OFF_ANYWHERE = false;

  /** Signs and checks HS256. */
  @IsOptional()
  @IsString()
  JWT_SECRET?: string;

  /** Where the keys are that RS256, ES256 and EdDSA are checked with. */
  @IsOptional()
  @IsUrlOf(['http', 'https'], 'https://idp/.well-known/jwks.json')
  JWT_JWKS_URL?: string;

  /** The `iss` that tokens must have; any, when it is not set. */
  @IsOptional()
  @IsString()
  JWT_ISSUER?: string;

  /** The `aud` that tokens must have, alone or among others; any, when it is not set. */
  @IsOptional()
  @IsString()
  JWT_AUDIENCE?: string;

  /** Run pending migrations before serving; safe from several replicas at once. */
  @Transform(toBoolean)
  @IsBoolean({ message: 'must be true or false' })
  MIGRATE_ON_START = false;

  /** What `/metrics` asks for as a bearer token; open without it. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]+$/, { message: 'must be visible ASCII characters' })
  METRICS_TOKEN?: string;

  /** Tenants whose queues have time series of their own. */
  @Transform(toInteger)
  @IsInt()
  @Min(0)
  @Max(1000)
  METRICS_TOP_TENANTS = 20;

  @IsIn(LOG_LEVELS)
  LOG_LEVEL: (typeof LOG_LEVELS)[number] = 'info';

  @Transform(toBoolean)
  @IsBoolean({ message: 'must be true or false' })
  LOG_PRETTY = false;
}
