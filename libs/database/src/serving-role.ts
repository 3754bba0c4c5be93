/**
 * Who the program is while it serves: a role that owns nothing, so that row-level security holds for
 * it whoever connected. Roles belong to the whole server; this one is shared by its databases, and
 * what it may do is granted in each.
 */
export const SERVING_ROLE = 'messaging_serving';

/** The setting that says whose rows a statement may see; without it there are none. */
export const TENANT_SETTING = 'app.tenant_id';
