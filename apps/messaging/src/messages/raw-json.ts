/**
 * A JSON value as its text, byte for byte as it came. JSON.parse would round numbers of more than
 * 15 digits and make `1e400` infinite, while PostgreSQL's `jsonb` keeps them; so payloads are
 * checked, but never parsed and written again.
 */
export class RawJson {
  constructor(readonly text: string) {}
}

/** The properties whose values stay raw, wherever they stand in the envelope. */
const RAW = 'payload';

/** No body that a call takes nests deeper than this around its payloads. */
const MAX_ENVELOPE_DEPTH = 16;

/**
 * Parses a body, its payloads as {@link RawJson}.
 *
 * @throws SyntaxError when the text is not JSON
 */
export function parseKeepingPayloads(text: string): unknown {
  // The engine's own parser says whether it is JSON, and where not; the walk may then trust it.
  JSON.parse(text);
  return new Walk(text).value();
}

class Walk {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  value(): unknown {
    this.skipSpace();
    const first = this.text[this.at];
    if (first === '{') return this.nested(() => this.object());
    if (first === '[') return this.nested(() => this.array());
    return JSON.parse(this.text.slice(this.at, this.skipScalar()));
  }

  private nested<Value>(parse: () => Value): Value {
    if (++this.depth > MAX_ENVELOPE_DEPTH) throw new SyntaxError('The body is nested too deeply');
    const value = parse();
    this.depth--;
    return value;
  }

  private object(): Record<string, unknown> {
    // Without a prototype to reach, `__proto__` is a name like any other.
    const entries: [string, unknown][] = [];
    this.at++;
    while (!this.closes('}')) {
      const name = JSON.parse(this.text.slice(this.at, this.skipScalar())) as string;
      this.skip(':');
      entries.push([name, name === RAW ? this.raw() : this.value()]);
      this.skip(',');
    }
    return Object.fromEntries(entries);
  }

  private array(): unknown[] {
    const items: unknown[] = [];
    this.at++;
    while (!this.closes(']')) {
      items.push(this.value());
      this.skip(',');
    }
    return items;
  }

  private raw(): RawJson {
    this.skipSpace();
    const start = this.at;
    let depth = 0;
    do {
      const character = this.text[this.at];
      if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      else if (character === '"' || depth === 0) {
        this.skipScalar();
        continue;
      }
      this.at++;
    } while (depth > 0);
    return new RawJson(this.text.slice(start, this.at));
  }

  /** Moves behind a string, a number or a word, and says where that is. */
  private skipScalar(): number {
    const { text } = this;
    if (text[this.at] === '"') {
      for (this.at++; text[this.at] !== '"'; this.at++) if (text[this.at] === '\\') this.at++;
      return ++this.at;
    }
    while (this.at < text.length && !/[\s,:\]}]/.test(text.charAt(this.at))) this.at++;
    return this.at;
  }

  private closes(bracket: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== bracket) return false;
    this.at++;
    return true;
  }

  /** Skips the separator if it is next; in valid JSON it is missing only before a bracket. */
  private skip(separator: string): void {
    this.skipSpace();
    if (this.text[this.at] === separator) this.at++;
    this.skipSpace();
  }

  private skipSpace(): void {
    while (/\s/.test(this.text.charAt(this.at))) this.at++;
  }
}
