/** A test that waits for a figure wants it soon; RabbitMQ's own default is 5 s. */
const FOR_TESTS_MS = 500;

/**
 * Arguments for Erlang: how often RabbitMQ counts what its channels and queues do. A quorum queue wakes
 * up for it by a clock of its own, every 5 s unless told otherwise, busy or not: half a core for 5,000.
 */
export const countingEvery = (ms = FOR_TESTS_MS): string =>
  `-rabbit collect_statistics_interval ${ms} -rabbit quorum_tick_interval ${Math.max(5_000, ms)}`;
