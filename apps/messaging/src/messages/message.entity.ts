import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * A stored message. The table is partitioned by tenant: every query names it. TypeORM knows neither
 * partitions nor `xid8`, and is told to leave the table's schema to the migrations.
 */
@Entity('messages', { synchronize: false })
export class Message {
  @PrimaryColumn({ name: 'tenant_id', type: 'uuid' })
  tenantId!: string;

  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ type: 'text', nullable: true })
  type!: string | null;

  /** JSON as its text, so that no number is rounded on the way. */
  @Column({ type: 'jsonb' })
  payload!: string;

  @Column({ name: 'accepted_at', type: 'timestamptz', precision: 3 })
  acceptedAt!: Date;

  @Column({
    name: 'stored_at',
    type: 'timestamptz',
    precision: 3,
    default: () => 'clock_timestamp()',
  })
  storedAt!: Date;

  /** The transaction that stored it: their order. It is an `xid8`, which TypeORM does not know. */
  @Column({ name: 'stored_xid', type: 'bigint', default: () => 'pg_current_xact_id()' })
  storedXid!: string;
}
