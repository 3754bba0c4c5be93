import { Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { NamedStatements } from './named-statements';

/** Named statements, which TypeORM's repositories cannot say, by the same pool. */
@Injectable()
export class Database extends NamedStatements {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  /** The connections of this process, and who waits for one. */
  get connections(): { total: number; idle: number; waiting: number } {
    if (!this.dataSource.isInitialized) return { total: 0, idle: 0, waiting: 0 };
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.pool();
    return { total, idle, waiting };
  }

  protected pool(): Pool {
    const { master } = this.dataSource.driver as unknown as { master?: Pool };
    if (!this.dataSource.isInitialized || !master) throw new Error('Driver not Connected');
    return master;
  }
}
