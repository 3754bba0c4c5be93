import type { DataSource } from 'typeorm';

/** Does `work` with the connections of `source`, which are closed afterwards, whatever came of it. */
export async function onShortLived<Result>(
  source: DataSource,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const dataSource = await source.initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
