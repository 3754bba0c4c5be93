/** The header in which a message carries when it was accepted: milliseconds since 1970, UTC. */
export const ACCEPTED_AT = 'x-accepted-at';
