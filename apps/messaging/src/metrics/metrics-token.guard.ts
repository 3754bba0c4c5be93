import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Who asks for the metrics brought no token, or another one. */
export class MetricsTokenWrong extends Error {
  constructor() {
    super('Send Authorization: Bearer with the token of this service');
    this.name = 'MetricsTokenWrong';
  }
}

/** `METRICS_TOKEN`, when there is one, is the key to the metrics. Tenants' tokens are none. */
@Injectable()
export class MetricsTokenGuard implements CanActivate {
  constructor(private readonly environment: Environment) {}

  /** @throws MetricsTokenWrong */
  canActivate(context: ExecutionContext): boolean {
    const { METRICS_TOKEN: token } = this.environment;
    const http = context.switchToHttp();
    const { authorization } = http.getRequest<FastifyRequest>().headers;
    if (token === undefined || isSame(bearerOf(authorization), token)) return true;
    http.getResponse<FastifyReply>().header('www-authenticate', 'Bearer');
    throw new MetricsTokenWrong();
  }
}

const bearerOf = (header: string | undefined): string =>
  /^Bearer +(.+)$/i.exec(header ?? '')?.[1] ?? '';

/** Digests have one length, so that the time of the comparison tells nothing of the token. */
const isSame = (given: string, expected: string): boolean =>
  timingSafeEqual(digest(given), digest(expected));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
