import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

/** A caller's connection, on which requests may come before the ones before them are answered. */
interface Caller {
  underWay: number;
}

/**
 * The HTTP requests of this process that have come whole and are not answered yet: somebody waits for
 * each. One whose body is still on its way waits for its caller, for a minute if he likes.
 */
@Injectable()
export class RequestsUnderWay {
  private readonly callers = new WeakMap<Socket, Caller>();
  private count = 0;

  constructor({ httpAdapter }: HttpAdapterHost) {
    const fastify = httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('preValidation', ({ raw: { socket } }, { raw }, done) => {
      // Who went away while his token was checked waits for nothing, and will not be heard of again.
      if (socket.destroyed) return done();
      const caller = this.callers.get(socket) ?? this.join(socket);
      this.change(caller, 1);
      raw.once('close', () => {
        if (!socket.destroyed) this.change(caller, -1);
      });
      done();
    });
  }

  get any(): boolean {
    return this.count > 0;
  }

  /** Of the answers that a caller did not wait for, only the first is closed with his connection. */
  private join(socket: Socket): Caller {
    const caller = { underWay: 0 };
    this.callers.set(socket, caller);
    socket.once('close', () => this.change(caller, -caller.underWay));
    return caller;
  }

  private change(caller: Caller, by: number): void {
    caller.underWay += by;
    this.count += by;
  }
}
