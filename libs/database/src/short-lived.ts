import { DataSource, type DataSourceOptions } from 'typeorm';

/** Does `work` with connections of its own, which are closed afterwards, whatever came of it. */
export async function onShortLived<Result>(
  options: DataSourceOptions,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const dataSource = await new DataSource(options).initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
