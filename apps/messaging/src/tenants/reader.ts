/**
 * For whom messages and dead letters are read: row-level security shows that tenant's rows, whichever
 * tenant is asked about. An operation has its reader from the token, by `@AsCaller()`; what nobody called
 * for reads as the tenant that it works for.
 */
export interface Reader {
  readonly tenantId: string;
}

/** Sees nothing. */
export const NOBODY: Reader = { tenantId: '' };
