import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TenantsModule } from '../tenants/tenants.module';
import { AccessGuard } from './access.guard';
import { Authentication } from './authentication';
import { StandingEvents } from './standing-events';
import { TenantStandings } from './tenant-standings';
import { TenantTokens } from './tenant-tokens.service';
import { TokenVerifier } from './token-verifier';

/** Who gets in, in every role. */
@Module({
  imports: [TenantsModule],
  providers: [
    TokenVerifier,
    TenantStandings,
    StandingEvents,
    Authentication,
    TenantTokens,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [Authentication, TenantTokens],
})
export class AuthModule {}
