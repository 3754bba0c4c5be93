/** No living tenant has this id. A removed one is not told apart from one that never was. */
export class TenantNotFound extends Error {
  constructor(readonly tenantId: string) {
    super(`There is no tenant ${tenantId}`);
    this.name = 'TenantNotFound';
  }
}

/** A living tenant has this name already. */
export class TenantNameTaken extends Error {
  constructor(readonly tenantName: string) {
    super(`The name ${JSON.stringify(tenantName)} is taken; choose another one`);
    this.name = 'TenantNameTaken';
  }
}
