import type { DataSource } from 'typeorm';

/** Connects. What a failure leaves open is closed: TypeORM has forgotten by then what it had opened. */
export async function connect(source: DataSource): Promise<DataSource> {
  try {
    return await source.initialize();
  } catch (error) {
    await source.driver.disconnect().catch(() => undefined);
    throw error;
  }
}

/** Does `work` with the connections of `source`, which are closed afterwards, whatever came of it. */
export async function onShortLived<Result>(
  source: DataSource,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const dataSource = await connect(source);
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
