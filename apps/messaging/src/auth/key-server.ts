import { Logger } from '@nestjs/common';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { KeyServerUnavailable } from './auth.errors';

/** How long a key that was withdrawn may still be taken. */
const REFRESH_AFTER_MS = 300_000;

/** The least time between two requests, whatever keys the tokens of strangers name. */
const COOLDOWN_MS = 2_000;
const TIMEOUT_MS = 2_000;

/**
 * The keys of `JWT_JWKS_URL`. Known keys are used as they are, and refreshed behind the requests; only
 * a token with a key that is not known waits for the server. A server that is down therefore takes
 * nobody's access away: what was known stays known until the server says otherwise.
 */
export class KeyServer {
  private readonly logger = new Logger(KeyServer.name);
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private askedAt = -Infinity;
  private toldAt = -Infinity;

  constructor(url: string) {
    this.keys = createRemoteJWKSet(new URL(url), {
      // The library would forget its keys at this age, and fail while the server is down.
      cacheMaxAge: Infinity,
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: TIMEOUT_MS,
      [customFetch]: (...request: Parameters<typeof fetch>) => this.fetch(...request),
    });
  }

  /** @throws KeyServerUnavailable, and the library's own errors when there is no such key */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    this.refreshBehind();
    try {
      return await this.keys(header, token);
    } catch (error) {
      if (isAnswer(error)) throw error;
      this.tell(error);
      this.refreshBehind(COOLDOWN_MS);
      throw new KeyServerUnavailable(String(error));
    }
  };

  /** Soon, where a key that should do is of no use: the library would not look again for another one. */
  private refreshBehind(afterMs = REFRESH_AFTER_MS): void {
    if (!this.keys.jwks() || this.keys.reloading) return;
    if (performance.now() - this.askedAt < afterMs) return;
    this.keys.reload().catch((error: unknown) => {
      this.logger.warn(`The keys are not refreshed, those that are known stay: ${reasonOf(error)}`);
    });
  }

  /** Why there are no keys, not more often than they are asked for. */
  private tell(error: unknown): void {
    const now = performance.now();
    if (now - this.toldAt < COOLDOWN_MS) return;
    this.toldAt = now;
    this.logger.warn(`The key server gives no key that can be used: ${reasonOf(error)}`);
  }

  /** While the server is down the library would ask it again for every token that it cannot place. */
  private fetch(...request: Parameters<typeof fetch>): Promise<Response> {
    const now = performance.now();
    if (now - this.askedAt < COOLDOWN_MS) throw new Error('it was asked a moment ago');
    this.askedAt = now;
    return fetch(...request);
  }
}

/** What failed below says more than that it did. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error
    ? `${String(error)}: ${error.cause.message || error.cause.name}`
    : String(error);

/** Whether the keys themselves say that there is none for this token. */
const isAnswer = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
