import { Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module';
import { TokensController } from './auth/tokens.controller';
import { DeadLettersController } from './dead-letters/dead-letters.controller';
import { DeadLettersModule } from './dead-letters/dead-letters.module';
import { MessagesController } from './messages/messages.controller';
import { MessagesModule } from './messages/messages.module';
import { OnboardingController } from './messages/onboarding.controller';
import { LimitsController } from './tenants/limits/limits.controller';
import { LimitsModule } from './tenants/limits/limits.module';
import { TenantsController } from './tenants/tenants.controller';
import { TenantsModule } from './tenants/tenants.module';

/** The role `api`: what is served under `/api`. */
@Module({
  imports: [AuthModule, TenantsModule, LimitsModule, MessagesModule, DeadLettersModule],
  controllers: [
    OnboardingController,
    TenantsController,
    LimitsController,
    TokensController,
    MessagesController,
    DeadLettersController,
  ],
})
export class ApiModule {}
