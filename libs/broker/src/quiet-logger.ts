import { Logger } from '@nestjs/common';

/**
 * For a library that tells of every channel and consumer: at thousands of tenants, those lines are
 * for debugging. Its errors (a settlement on a channel that is gone, say) are outcomes that this
 * program handles and reports itself.
 */
export class QuietLogger extends Logger {
  override log(message: unknown): void {
    super.debug(message);
  }

  override error(message: unknown, reason?: unknown): void {
    if (/^Disconnected/.test(String(message))) super.warn(`${String(message)}: ${String(reason)}`);
    else super.debug(message);
  }
}
