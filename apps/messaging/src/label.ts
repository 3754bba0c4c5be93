/**
 * What a tenant's name and a message's type may have: 1 to 100 characters, as PostgreSQL counts them. The door
 * and the consumer ask the same, so that nothing is accepted that is a dead letter afterwards.
 */
export const LABEL_LENGTH = /^.{1,100}$/su;
