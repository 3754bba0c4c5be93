import { errorFields } from './error-fields';

const SECRET = 'a secret of somebody';

const databaseError = (code: string, message: string): Error =>
  Object.assign(new Error(message), {
    code,
    detail: `Failing row contains (${SECRET})`,
    where: `JSON data, line 1: ${SECRET}`,
    parameters: [SECRET],
  });

describe('what is logged of an error', () => {
  it('is what it says and where it was thrown', () => {
    const error = new TypeError('It broke');
    expect(errorFields(error)).toEqual({
      type: 'TypeError',
      message: 'It broke',
      stack: expect.stringMatching(/^\s+at .*error-fields\.spec/) as unknown,
    });
  });

  it.each([
    ['a row that PostgreSQL quotes', databaseError('23514', 'new row violates a constraint')],
    ['a value in its message', databaseError('22P02', `invalid input syntax: "${SECRET}"`)],
    ['the same wrapped by TypeORM', wrapped(databaseError('22P02', `invalid: "${SECRET}"`))],
    ['text that is not JSON', notJson()],
    ['a cause', new Error('outer', { cause: new Error(SECRET) })],
  ])('leaves out %s', (_what, error) => {
    const logged = JSON.stringify(errorFields(error));
    expect(logged).not.toContain(SECRET.slice(0, 8));
    expect(logged).toContain('error-fields.spec');
  });

  function wrapped(driverError: Error): Error {
    return Object.assign(new Error(driverError.message), { driverError, parameters: [SECRET] });
  }

  function notJson(): unknown {
    try {
      return JSON.parse(SECRET);
    } catch (error) {
      return error;
    }
  }
});
