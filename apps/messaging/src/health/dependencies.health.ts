import { Injectable } from '@nestjs/common';
import { BrokerUnavailable, ConfirmedPublisher, ConsumingConnection, topology } from '@app/broker';
import { Environment } from '@app/config';
import { Database } from '@app/database';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { Ping } from './ping';

const PING = { name: 'ping', text: 'SELECT 1' };

/** What this process cannot work without. */
@Injectable()
export class DependenciesHealth {
  private readonly databasePing = new Ping(async () => {
    await this.database.run(PING, []);
  });
  private readonly consumingPing = new Ping(async () => {
    const { exchange } = topology.messages;
    await this.consuming.withChannel((channel) => channel.checkExchange(exchange));
  });
  private readonly publishingPing = new Ping(async () => {
    const outcome = await this.publisher.probe(topology.messages.exchange);
    if (outcome.kind === 'unavailable') throw new BrokerUnavailable(outcome.reason);
  });

  constructor(
    private readonly health: HealthIndicatorService,
    private readonly database: Database,
    private readonly consuming: ConsumingConnection,
    private readonly publisher: ConfirmedPublisher,
    private readonly environment: Environment,
  ) {}

  async databaseCheck(): Promise<HealthIndicatorResult> {
    return this.result('database', [await this.databasePing.problem()]);
  }

  /** The api role's question is whether it could accept a message, so it publishes one. */
  async brokerCheck(): Promise<HealthIndicatorResult> {
    const { ROLES } = this.environment;
    const pings = [
      ...(ROLES.includes('api') ? [this.publishingPing] : []),
      ...(ROLES.includes('consumer') ? [this.consumingPing] : []),
    ];
    return this.result('broker', await Promise.all(pings.map((ping) => ping.problem())));
  }

  private result(name: string, problems: (string | undefined)[]): HealthIndicatorResult {
    const check = this.health.check(name);
    const reason = problems.find((problem) => problem !== undefined);
    return reason === undefined ? check.up() : check.down({ reason });
  }
}
