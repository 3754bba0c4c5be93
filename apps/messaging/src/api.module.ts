import { Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module';
import { TokensController } from './auth/tokens.controller';
import { DeadLettersController } from './dead-letters/dead-letters.controller';
import { DeadLettersModule } from './dead-letters/dead-letters.module';
import { MessagesController } from './messages/messages.controller';
import { MessagesModule } from './messages/messages.module';
import { OnboardingController } from './messages/onboarding.controller';
import { TenantsController } from './tenants/tenants.controller';
import { TenantsModule } from './tenants/tenants.module';

/** The role `api`: what is served under `/api`. */
@Module({
  imports: [AuthModule, TenantsModule, MessagesModule, DeadLettersModule],
  controllers: [
    OnboardingController,
    TenantsController,
    TokensController,
    MessagesController,
    DeadLettersController,
  ],
})
export class ApiModule {}
