import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestMethod } from '@nestjs/common';
import type { Environment } from '@app/config';
import type { Params } from 'nestjs-pino';

/** JSON lines with the request's id, one per request and none per message; no bodies, no headers. */
export function logging({ LOG_LEVEL, LOG_PRETTY }: Environment): Params {
  return {
    forRoutes: [{ path: '{*any}', method: RequestMethod.ALL }],
    pinoHttp: {
      level: LOG_LEVEL,
      autoLogging: { ignore: (request) => /^\/(health|metrics)/.test(request.url ?? '') },
      quietReqLogger: true,
      customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
      serializers: {
        req: ({ method, url }: IncomingMessage) => ({ method, url }),
        res: ({ statusCode }: ServerResponse) => ({ statusCode }),
      },
      ...(LOG_PRETTY && { transport: { target: 'pino-pretty', options: { singleLine: true } } }),
    },
  };
}
