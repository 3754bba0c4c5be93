import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

/**
 * The HTTP requests of this process that have come whole and are not answered yet: somebody waits for
 * each. One whose body is still on its way waits for its caller, for a minute if he likes.
 */
@Injectable()
export class RequestsUnderWay {
  private count = 0;

  constructor({ httpAdapter }: HttpAdapterHost) {
    const fastify = httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('preValidation', (_request, { raw }, done) => {
      // Who went away while his token was checked waits for nothing, and will not be heard of again.
      if (raw.destroyed) return done();
      this.count++;
      // Also when the caller has gone away before the answer.
      raw.once('close', () => this.count--);
      done();
    });
  }

  get any(): boolean {
    return this.count > 0;
  }
}
