import { classify } from './write-failure';

const tenantId = '0192f0c1-2345-7abc-8def-0123456789ab';

function failure(code: string | undefined, message = 'no', detail?: string): Error {
  return Object.assign(new Error(message), { ...(code && { code }), ...(detail && { detail }) });
}

describe('classify', () => {
  it.each([
    failure('ECONNREFUSED'),
    failure('EMFILE', 'connect EMFILE'),
    failure('EAI_FAIL', 'getaddrinfo EAI_FAIL'),
    failure('57P01', 'terminating connection due to administrator command'),
    failure('53300', 'too many connections'),
    failure('25006', 'cannot execute INSERT in a read-only transaction'),
    failure('40P01', 'deadlock detected'),
    failure('42P01', 'relation "messages" does not exist'),
    Object.assign(failure('54000'), { routine: 'GetNewTransactionId' }),
    failure(undefined, 'Connection terminated unexpectedly'),
    failure(undefined, 'timeout exceeded when trying to connect'),
    failure(undefined, 'Query read timeout'),
    new AggregateError([failure('ECONNREFUSED'), failure('ECONNREFUSED')]),
  ])('tries again after %s', (error) => {
    expect(classify(error).kind).toBe('unavailable');
  });

  it('gives a reason in words, where the error itself has none', () => {
    const nowhere = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(classify(nowhere)).toEqual({ kind: 'unavailable', reason: 'ECONNREFUSED' });
  });

  it("tells another's lock from an outage", () => {
    const error = failure('55P03', 'canceling statement due to lock timeout');
    expect(classify(error).kind).toBe('locked');
  });

  it.each([failure('22P02'), failure('22003'), failure('54001'), failure('23502')])(
    'finds a row at fault in %s',
    (error) => {
      expect(classify(error).kind).toBe('refused');
    },
  );

  it('finds that a partition is missing, whatever the language', () => {
    const error = failure('23514', 'keine Partition');
    expect(classify(error).kind).toBe('no partition');
  });

  it('takes a constraint of a row for a row at fault', () => {
    const detail = `Failing row contains (${tenantId}, ${tenantId}, null, "x").`;
    const error = Object.assign(failure('23514', 'violates', detail), { constraint: 'no_x' });
    expect(classify(error).kind).toBe('refused');
  });

  it('knows what it does not know', () => {
    expect(classify(new TypeError('x is not a function')).kind).toBe('unknown');
    expect(classify('text')).toEqual({ kind: 'unknown', reason: 'text' });
  });
});
