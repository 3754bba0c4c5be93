/** The broker is away, blocked by an alarm, or does not answer in time. */
export class BrokerUnavailable extends Error {
  constructor(readonly reason: string) {
    super(`The broker is unavailable: ${reason}`);
    this.name = 'BrokerUnavailable';
  }
}
