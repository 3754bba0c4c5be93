import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Environment } from '@app/config';
import { servingOptions } from './data-source-options';
import { Database } from './database';
import { DatabaseStarter } from './database-starter';
import { OwnerDatabase } from './owner-database';
import { ReservedDatabase } from './reserved-database';

/** TypeORM over the program's pool; {@link DatabaseStarter} connects it. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Environment],
      useFactory: (environment: Environment) => ({
        ...servingOptions(environment.DATABASE_URL, environment.DATABASE_POOL_SIZE),
        autoLoadEntities: true,
        manualInitialization: true,
      }),
    }),
  ],
  providers: [Database, ReservedDatabase, OwnerDatabase, DatabaseStarter],
  exports: [Database, ReservedDatabase, OwnerDatabase, DatabaseStarter],
})
export class DatabaseModule {}
