/** The tenant has no dead letter with this id (any more). */
export class DeadLetterNotFound extends Error {
  constructor(
    readonly tenantId: string,
    readonly id: string,
  ) {
    super(`Tenant ${tenantId} has no dead letter ${id}`);
    this.name = 'DeadLetterNotFound';
  }
}
