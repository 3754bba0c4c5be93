import type { TestDatabase } from './database';

/**
 * Makes every statement that stores messages take `ms` milliseconds longer, however many rows it
 * has. A trigger for each statement belongs to the parent table alone: partitions do not get it.
 */
export async function slowDownStoring(database: TestDatabase, ms: number): Promise<void> {
  await database.client.query(`
    CREATE OR REPLACE FUNCTION store_slowly() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(${ms / 1_000}); RETURN NULL; END $$;
    CREATE OR REPLACE TRIGGER store_slowly BEFORE INSERT ON messages
      FOR EACH STATEMENT EXECUTE FUNCTION store_slowly()`);
}

export async function storeAtFullSpeed(database: TestDatabase): Promise<void> {
  await database.client.query('DROP TRIGGER IF EXISTS store_slowly ON messages');
}
