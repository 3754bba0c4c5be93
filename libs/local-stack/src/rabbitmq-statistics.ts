/** A test that waits for a figure wants it soon; RabbitMQ's own default is 5 s. */
const FOR_TESTS_MS = 500;

/**
 * How often RabbitMQ counts what its channels and queues do, in milliseconds; or that its management
 * plugin does not: what it counts, a quarter of the broker's work with thousands of queues, is then to
 * be had from its Prometheus plugin alone.
 */
export type Statistics = number | 'none';

/**
 * Arguments for Erlang. A quorum queue wakes up by a clock of its own to say how it is, busy or not, every
 * 5 s unless told otherwise: half a core for 5,000.
 *
 * https://www.rabbitmq.com/docs/management#disable-stats
 */
export const statisticsArguments = (statistics: Statistics = FOR_TESTS_MS): string =>
  statistics === 'none'
    ? '-rabbit quorum_tick_interval 30000 -rabbitmq_management disable_management_stats true ' +
      '-rabbitmq_management_agent disable_metrics_collector true'
    : `-rabbit collect_statistics_interval ${statistics}`;
