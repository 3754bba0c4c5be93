import { jsonbProblem, MAX_DEPTH } from './jsonb';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('jsonbProblem', () => {
  it.each([
    'null',
    '"\\\\u0000"',
    '"\\ud83d\\ude00"',
    '"\\\\ud800"',
    '1e400',
    '1e131071',
    '1e-16383',
    '9'.repeat(2000),
    `0.${'1'.repeat(16_383)}`,
    '0e5000',
    `[${'6.626e-34,'.repeat(20_000)}1]`,
    '[1e131071,-1e131071,1e131071]',
    `[${'1e131071,'.repeat(7)}1]`,
    `[${'1e-300,'.repeat(3_000)}1]`,
    `[${'1e99,'.repeat(10_000)}1]`,
    `["${'1e131071,'.repeat(20)}"]`,
    `"${`${'9'.repeat(999)} `.repeat(250)}"`,
    '"1e999999999"',
    '{"e999":"[[["}',
    nested(MAX_DEPTH),
    `"${'['.repeat(5000)}"`,
    `"${'\\"['.repeat(5000)}"`,
    `[${'[],'.repeat(5000)}[]]`,
    '["\\\\\\"1e999999"]',
    `"\\ud83d\\ude00${'\\n'.repeat(5_000_000)}"`,
  ])('lets pass what jsonb holds: %.40s', (text) => {
    expect(jsonbProblem(text)).toBeUndefined();
  });

  it.each([
    ['"\\u0000"', /u0000/],
    ['{"a\\u0000":1}', /u0000/],
    ['["\\\\\\u0000"]', /u0000/],
    ['"\\ud800"', /surrogate/],
    ['"\\udc00\\ud800"', /surrogate/],
    ['{"\\uD83D":1}', /surrogate/],
    ['1e131072', /out of range/],
    ['-1e999999', /out of range/],
    ['1e-16384', /out of range/],
    ['0e2000000000', /out of range/],
    [`0.${'1'.repeat(16_384)}`, /out of range/],
    ['[1,{"a":1E+200000}]', /out of range/],
    ['["\\\\",1e999999]', /out of range/],
    [`[${'1e131071,'.repeat(8)}1]`, /in full.* 1048/],
    [`[${'-1e-16383,'.repeat(70)}1]`, /in full/],
    [`[${'0e-16383,'.repeat(70)}1]`, /in full/],
    [`[${'1E99,'.repeat(12_000)}1]`, /in full/],
    [nested(MAX_DEPTH + 1), /deep/],
    [`{"a":${nested(MAX_DEPTH)}}`, /deep/],
  ])('names what jsonb cannot hold: %.40s', (text, reason) => {
    expect(jsonbProblem(text)).toMatch(reason);
  });
});
