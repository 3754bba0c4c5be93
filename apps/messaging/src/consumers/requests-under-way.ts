import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

/** The HTTP requests of this process that are not answered yet: somebody waits for each. */
@Injectable()
export class RequestsUnderWay {
  private count = 0;

  constructor({ httpAdapter }: HttpAdapterHost) {
    const { server } = httpAdapter.getInstance<FastifyInstance>();
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
      this.count++;
      // Also when the caller has gone away before the answer.
      response.once('close', () => this.count--);
    });
  }

  get any(): boolean {
    return this.count > 0;
  }
}
