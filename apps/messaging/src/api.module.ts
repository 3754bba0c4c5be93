import { Module } from '@nestjs/common';
import { MessagesController } from './messages/messages.controller';
import { MessagesModule } from './messages/messages.module';
import { OnboardingController } from './messages/onboarding.controller';
import { TenantsController } from './tenants/tenants.controller';
import { TenantsModule } from './tenants/tenants.module';

/** The role `api`: what is served under `/api`. */
@Module({
  imports: [TenantsModule, MessagesModule],
  controllers: [OnboardingController, TenantsController, MessagesController],
})
export class ApiModule {}
