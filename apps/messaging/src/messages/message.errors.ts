/** The tenant has no stored message with this id (yet). */
export class MessageNotFound extends Error {
  constructor(
    readonly tenantId: string,
    readonly id: string,
  ) {
    super(`Tenant ${tenantId} has no stored message ${id}`);
    this.name = 'MessageNotFound';
  }
}

/** A message is larger than this service takes. */
export class MessageTooLarge extends Error {
  constructor(
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(`A payload has ${bytes} bytes; at most ${maxBytes} are taken`);
    this.name = 'MessageTooLarge';
  }
}
