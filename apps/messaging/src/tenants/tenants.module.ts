import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConsumerReports } from './consumer-reports';
import { PartitionRemoval } from './partition-removal';
import { TenantChanges } from './tenant-changes';
import { Tenant } from './tenant.entity';
import { TenantPartition } from './tenant-partition';
import { TenantRemoval } from './tenant-removal.service';
import { TenantsService } from './tenants.service';

@Module({
  imports: [TypeOrmModule.forFeature([Tenant])],
  providers: [
    TenantsService,
    TenantPartition,
    PartitionRemoval,
    TenantRemoval,
    TenantChanges,
    ConsumerReports,
  ],
  exports: [TenantsService, TenantPartition, TenantChanges, ConsumerReports],
})
export class TenantsModule {}
