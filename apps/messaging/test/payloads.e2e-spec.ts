import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { expectProblem, fieldsOf } from './support/problem';
import { Program } from './support/program';

const MAX_DEPTH = 1_000;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** JSON texts that look dangerous, and that `jsonb` holds. */
const holdable: [string, string][] = [
  ['null', 'null'],
  ['false', 'false'],
  ['an empty text', '""'],
  ['an empty list', '[]'],
  ['an empty object', '{}'],
  ['zero below zero', '-0'],
  ['a number of 130,000 digits', '9'.repeat(130_000)],
  ['a number of 131,072 digits', '9'.repeat(131_072)],
  ['the largest power of ten', '1e131071'],
  ['the smallest power of ten', '1e-16383'],
  ['16,383 digits behind the point', `0.${'1'.repeat(16_383)}`],
  ['zero with a large exponent', '0e1000'],
  ['numbers beyond those of JavaScript', '[1e400,-1e400,1E+309,123456789012345678901234567890]'],
  ['the deepest nesting', nested(MAX_DEPTH)],
  ['brackets in a text', `"${'[{'.repeat(2_000)}"`],
  ['digits in a text', `"${'9'.repeat(140_000)} 1e999999"`],
  ['an empty name', '{"":{"":1}}'],
  ['a name twice', '{"a":1,"a":2}'],
  ['names of the language', '{"__proto__":{"x":1},"constructor":1,"toString":2,"payload":3}'],
  ['escaped quotes', '"\\"\\\\\\"\\\\\\\\"'],
  ['a backslash before u0000', '"\\\\u0000"'],
  ['a backslash before half a pair', '"\\\\ud800"'],
  ['every escape', '"\\b\\f\\n\\r\\t\\/\\\\\\"\\u0001\\u001f\\u007f\\uffff"'],
  ['a pair of escapes', '"\\ud83d\\ude00"'],
  ['characters of four bytes', '"😀𝒳\u{10ffff}"'],
  ['separators of JavaScript', '"\u2028\u2029\ufeff"'],
  ['all white space', ' \t\r\n{ \t"a"\r\n:\t[ 1 ,\n2 ] } \n'],
  ['a name with an escape', '{"\\u0061":1,"a\\"b":2}'],
];

/** Valid JSON that `jsonb` cannot hold. */
const unholdable: [string, string][] = [
  ['a NUL', '"a\\u0000b"'],
  ['a NUL in a name', '{"a\\u0000":1}'],
  ['a NUL behind a backslash', '"\\\\\\u0000"'],
  ['the first half of a pair', '"\\ud800"'],
  ['the second half of a pair', '"\\udc00"'],
  ['halves in the wrong order', '"\\ude00\\ud83d"'],
  ['half a pair in a name', '{"\\ud800":1}'],
  ['half a pair before a letter', '"\\ud83da"'],
  ['a power of ten too large', '1e131072'],
  ['a digit too many', `1${'0'.repeat(131_072)}`],
  ['a power of ten too small', '1e-16384'],
  ['a digit too many behind the point', `0.${'0'.repeat(16_383)}1`],
  ['an absurd exponent', '[1,{"a":1e999999999}]'],
  ['an absurd exponent below zero', '-1e-2147483649'],
];

describe('payloads', () => {
  let database: TestDatabase;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const messages = (): string => `/api/tenants/${tenantId}/messages`;

  it.each(holdable)('are taken, and stored as they are: %s', async (_, json) => {
    const body = `{"type":"a","payload":${json},"type":"b"}`;
    const { status, body: accepted } = await program.api.request<{ id: string }>(
      'POST',
      messages(),
      body,
    );
    expect(status).toBe(202);
    const found = await eventually(async () => {
      const rows = await database.rows<{ same: boolean; type: string }>(
        'SELECT payload = $3::jsonb AS same, type FROM messages WHERE tenant_id = $1 AND id = $2',
        [tenantId, accepted.id, json],
      );
      expect(rows).toHaveLength(1);
      return rows;
    });
    expect(found).toEqual([{ same: true, type: 'b' }]);
    expect(await program.api.status(`${messages()}/${accepted.id}`)).toBe(200);
  });

  it('are taken all in one batch as well', async () => {
    const own = await program.api.createTenant();
    const list = holdable.map(([, json]) => `{"payload":${json}}`).join(',');
    const path = `/api/tenants/${own}/messages/batch`;
    const { status } = await program.api.request('POST', path, `{"messages":[${list}]}`);
    expect(status).toBe(202);
    await eventually(async () => expect(await database.stored(own)).toBe(holdable.length));
  });

  it.each(unholdable)('are refused at the door, as by PostgreSQL: %s', async (_, json) => {
    JSON.parse(json);
    await expect(database.rows('SELECT $1::jsonb', [json])).rejects.toThrow();
    const one = await program.api.request('POST', messages(), `{"payload":${json}}`);
    expect(fieldsOf(expectProblem(one, 400))).toEqual(['payload']);

    const batch = `{"messages":[{"payload":1},{"payload":2},{"payload":3},{"payload":${json}}]}`;
    const many = await program.api.request('POST', `${messages()}/batch`, batch);
    expect(fieldsOf(expectProblem(many, 400))).toEqual(['messages[3].payload']);
  });

  it('are refused from a documented depth on, before PostgreSQL gives up', async () => {
    const json = nested(MAX_DEPTH + 1);
    await database.rows('SELECT $1::jsonb', [json]);
    const answer = await program.api.request('POST', messages(), `{"payload":${json}}`);
    expect(fieldsOf(expectProblem(answer, 400))).toEqual(['payload']);
  });

  it('are refused that grow too large to be read, and those are read that just do not', async () => {
    const numbers = (count: number): string => `[${Array(count).fill('1e131071').join(',')}]`;
    await database.rows('SELECT $1::jsonb', [numbers(8)]);
    const answer = await program.api.request('POST', messages(), `{"payload":${numbers(8)}}`);
    expect(fieldsOf(expectProblem(answer, 400))).toEqual(['payload']);

    const own = await program.api.createTenant();
    const path = `/api/tenants/${own}/messages`;
    const body = `{"payload":${numbers(7)}}`;
    for (let sent = 0; sent < 10; sent++) await program.api.request('POST', path, body);
    await eventually(async () => expect(await database.stored(own)).toBe(10));
    expect(await program.api.allMessages(own)).toHaveLength(10);
  });

  it('that were refused left nothing behind, nor did their batches', async () => {
    const mark = await program.api.send(tenantId, 'the last one');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(holdable.length + 1));
    expect((await program.api.messages(tenantId)).data[0]).toMatchObject({ id: mark });
    expect(await database.rows('SELECT * FROM dead_letters')).toEqual([]);
  });
});
