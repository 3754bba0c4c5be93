import { InvalidCursor } from '@app/paging';

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

/**
 * The cursor is ours, and names a transaction that the database has yet to come to: it was restored
 * to an earlier state, or into another cluster. Whoever went on from here would miss what is stored
 * until then.
 */
export class CursorAhead extends InvalidCursor {
  constructor() {
    super(
      'The cursor names a place that the database has not reached: it was restored to an earlier ' +
        'state. Begin again without a cursor',
    );
    this.name = 'CursorAhead';
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
