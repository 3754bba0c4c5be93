/** A line of the log that no request writes, with the tenant that it is about in the field of requests' lines. */
export const aboutTenant = (tenantId: string, msg: string, err?: unknown): object => ({
  tenant_id: tenantId,
  ...(err !== undefined && { err }),
  msg,
});
