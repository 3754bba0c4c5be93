import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Metrics } from '@app/metrics';
import { Registry } from 'prom-client';
import { Open } from '../auth/access';
import { ApiProblems } from '../problem.docs';
import { MetricsTokenGuard } from './metrics-token.guard';

const EXAMPLE = `# HELP messaging_messages_accepted_total Messages that came by HTTP and were accepted.
# TYPE messaging_messages_accepted_total counter
messaging_messages_accepted_total 1042

# HELP messaging_oldest_waiting_message_age_seconds How long the oldest message waits.
# TYPE messaging_oldest_waiting_message_age_seconds gauge
messaging_oldest_waiting_message_age_seconds{tenant="acme"} 0.25
messaging_oldest_waiting_message_age_seconds{tenant="_others"} 0
`;

@ApiTags('metrics')
@Open()
@Controller('metrics')
@UseGuards(MetricsTokenGuard)
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Figures of this process, for Prometheus',
    description:
      "In Prometheus' text format. With `METRICS_TOKEN` set it needs `Authorization: Bearer` with " +
      'that token; open otherwise.',
  })
  @ApiOkResponse({
    description: 'What is known at this moment; the broker is not asked for it.',
    content: { 'text/plain': { schema: { type: 'string' }, example: EXAMPLE } },
  })
  @ApiProblems('metrics-token')
  scrape(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
