import { Injectable, Optional } from '@nestjs/common';
import { DatabaseStarter } from '@app/database';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { Reconciliation } from '../consumers/reconciliation.service';

/** How far this process has come since it was started. */
@Injectable()
export class StartupHealth {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly database: DatabaseStarter,
    /** Absent in a process that consumes nothing. */
    @Optional() private readonly reconciliation?: Reconciliation,
  ) {}

  migrationsCheck(): HealthIndicatorResult {
    const check = this.health.check('migrations');
    const { state } = this.database;
    return state === 'ready' ? check.up() : check.down({ reason: state });
  }

  consumersCheck(): HealthIndicatorResult {
    const check = this.health.check('consumers');
    const done = this.reconciliation?.firstPassDone ?? true;
    return done ? check.up() : check.down({ reason: 'starting' });
  }
}
