/** `FUZZ_SEED`, to try a failure again, or another one each time; printed by whoever draws from it. */
export function fuzzSeed(): number {
  const given = process.env['FUZZ_SEED'];
  const seed = given ? Number(given) : Date.now() % 2 ** 31;
  process.stdout.write(`FUZZ_SEED=${seed}\n`);
  return seed;
}
