import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseStarter, isLockedOut } from '@app/database';
import { MessagePublisher } from '../messages/message.publisher';
import type { Reader } from '../tenants/reader';
import { TenantNotFound } from '../tenants/tenant.errors';
import { DeadLetterNotFound } from './dead-letter.errors';
import { DeadLetterStore, type MarkedLetter } from './dead-letter.store';

/** At most this many at a time, and then a pause: live traffic has the broker in between. */
const CHUNK = 25;
const PAUSE_MS = 50;

const FINISH_EVERY_MS = 5_000;
/** Whoever marked a letter has its confirm, or its refusal, long before. */
const STRANDED_AFTER_MS = 10_000;

/**
 * Puts dead letters back into their queues, under the same id: mark, publish, remove.
 *
 * A crash in between leaves the mark, and {@link finishStranded} does it again: the message is then
 * in the queue twice and stored once. When it dies again before it is removed, its mark is taken
 * away with that, so that it stays.
 */
@Injectable()
export class Redrive implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Redrive.name);
  private timer: NodeJS.Timeout | undefined;
  private finishing: Promise<void> | undefined;

  constructor(
    private readonly store: DeadLetterStore,
    private readonly publisher: MessagePublisher,
    private readonly database: DatabaseStarter,
  ) {}

  onApplicationBootstrap(): void {
    void this.database.whenReady().then(() => {
      this.timer = setInterval(() => this.finish(), FINISH_EVERY_MS).unref();
    });
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** @throws DeadLetterNotFound, BrokerUnavailable */
  async one(tenantId: string, reader: Reader, id: string): Promise<void> {
    const marked = await this.store.markOne(tenantId, reader, id);
    if (!marked) throw new DeadLetterNotFound(tenantId, id);
    await this.putBack(marked);
  }

  /**
   * Up to `limit` of a tenant's, those that died first.
   *
   * @returns how many were put back into the queue
   * @throws BrokerUnavailable; those that were put back before stay there
   */
  async some(tenantId: string, reader: Reader, limit: number): Promise<number> {
    let redriven = 0;
    let begun: string | undefined;
    while (redriven < limit) {
      const size = Math.min(CHUNK, limit - redriven);
      const chunk = await this.store.markSome(tenantId, reader, size, begun);
      if (chunk.length === 0) break;
      // One that dies again on the way is not put back twice.
      begun ??= chunk[0]?.mark;
      await Promise.all(chunk.map((marked) => this.putBack(marked)));
      redriven += chunk.length;
      await delay(PAUSE_MS);
    }
    return redriven;
  }

  private async putBack({ letter, mark }: MarkedLetter): Promise<void> {
    const { tenantId, id } = letter;
    try {
      await this.publisher.publishAgain(letter);
    } catch (error) {
      await this.store.unmark(tenantId, id, mark);
      throw error;
    }
    await this.store.removeMarked(tenantId, id, mark);
  }

  private finish(): void {
    this.finishing ??= this.finishStranded()
      .catch((error: unknown) => this.logger.warn(`Not redriven yet: ${String(error)}`))
      .finally(() => (this.finishing = undefined));
  }

  private async finishStranded(): Promise<void> {
    for (const { tenantId, id } of await this.store.findStranded(STRANDED_AFTER_MS)) {
      await this.one(tenantId, { tenantId }, id).catch((error: unknown) => {
        const gone = error instanceof DeadLetterNotFound || error instanceof TenantNotFound;
        // One that somebody has locked holds up no other.
        if (!gone && !isLockedOut(error)) throw error;
      });
    }
  }
}
