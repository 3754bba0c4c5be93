/** Who waits for a figure wants it soon; RabbitMQ's own default is 5 s. */
const SOON_MS = 500;

/**
 * How often RabbitMQ counts what its channels and classic queues do, in milliseconds; `everything each
 * second`, for who compares its figures with a promise; or that its management plugin does not: what it
 * counts, a quarter of the broker's work with thousands of queues, is then to be had from its Prometheus
 * plugin alone.
 */
export type Statistics = number | 'everything each second' | 'none';

/**
 * Arguments for Erlang. A quorum queue wakes up by a clock of its own to say how it is, busy or not, every
 * 5 s unless told otherwise: half a core for 5,000. The management plugin looks at what all of them say as
 * often as it keeps a sample, every 5 s as well, and no more often than every second.
 *
 * https://www.rabbitmq.com/docs/management#disable-stats
 */
export function statisticsArguments(statistics: Statistics = SOON_MS): string {
  switch (statistics) {
    case 'none':
      return (
        '-rabbit quorum_tick_interval 30000 -rabbitmq_management disable_management_stats true ' +
        '-rabbitmq_management_agent disable_metrics_collector true'
      );
    case 'everything each second':
      return (
        `-rabbit collect_statistics_interval ${SOON_MS} -rabbit quorum_tick_interval 1000 ` +
        `-rabbitmq_management_agent sample_retention_policies ${EACH_SECOND}`
      );
    default:
      return `-rabbit collect_statistics_interval ${statistics}`;
  }
}

/** For how many seconds which figures are kept, and how many seconds apart. */
const EACH_SECOND = '[{global,[{605,5}]},{basic,[{605,1},{3600,60}]},{detailed,[{605,1}]}]';
