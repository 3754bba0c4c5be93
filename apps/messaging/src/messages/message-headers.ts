/** The header in which a message carries when it was accepted: milliseconds since 1970, UTC. */
export const ACCEPTED_AT = 'x-accepted-at';

/** The header for a type of more bytes than the property `type` has room for; it has 255. */
export const LONG_TYPE = 'x-type';
