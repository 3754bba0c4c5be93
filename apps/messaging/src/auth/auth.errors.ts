/** Nobody that we know: no token, or one that is not, or no longer, worth anything. */
export class Unauthorized extends Error {
  constructor(
    reason: string,
    /** Whether there was a token at all: who sends none is not told that it is wrong (RFC 6750, 3.1). */
    readonly hadToken = true,
  ) {
    super(reason);
    this.name = 'Unauthorized';
  }
}

/** A tenant's token, where an admin's is needed. */
export class Forbidden extends Error {
  constructor() {
    super('This call needs a token with the scope admin');
    this.name = 'Forbidden';
  }
}

/** The key server does not answer, and the token's key is not among those that are known. */
export class KeyServerUnavailable extends Error {
  constructor(readonly reason: string) {
    super('The key that signed the token cannot be looked up now; try again');
    this.name = 'KeyServerUnavailable';
  }
}

/** The database is away, and this replica does not know whether the tenant's tokens still hold. */
export class StandingUnknown extends Error {
  constructor(readonly tenantId: string) {
    super('The database does not answer; try again');
    this.name = 'StandingUnknown';
  }
}

/** Tokens are signed elsewhere: there is no secret here to sign with. */
export class TokensNotIssued extends Error {
  constructor() {
    super('This service signs no tokens, since no JWT_SECRET is set; ask who signs yours');
    this.name = 'TokensNotIssued';
  }
}
