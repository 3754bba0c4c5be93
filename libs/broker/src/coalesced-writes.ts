import type { Writable } from 'node:stream';

/**
 * Has what is written to a socket in one turn of the loop go out together, by one call of the system.
 * The library writes frame by frame, and Node hands each to the system by itself: at 20,000 messages,
 * or acks, a second these calls are a sixth of the process's time, and the broker is woken up for each.
 *
 * https://nodejs.org/docs/latest-v20.x/api/stream.html#writablecork
 */
export function coalesceWrites(socket: Writable): void {
  const write: Writable['write'] = socket.write.bind(socket);
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    socket.uncork();
  };
  socket.write = ((...chunk: Parameters<Writable['write']>) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    return write(...chunk);
  }) as Writable['write'];
}
