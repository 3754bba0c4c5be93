/** One field of a protobuf message: a number, or bytes that are a text or a message by themselves. */
export interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly value: bigint;
}

const NO_BYTES = Buffer.alloc(0);

/** The fields of a message, in order. https://protobuf.dev/programming-guides/encoding/ */
export function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length;) {
    const tag = varint(message, at);
    const { field, end } = read(message, tag.end, Number(tag.value));
    fields.push(field);
    at = end;
  }
  return fields;
}

function read(message: Buffer, at: number, tag: number): { field: Field; end: number } {
  const number = tag >> 3;
  switch (tag & 7) {
    case 0: {
      const { value, end } = varint(message, at);
      return { field: { number, value, bytes: NO_BYTES }, end };
    }
    case 1: {
      const value = message.readBigUInt64LE(at);
      return { field: { number, value, bytes: NO_BYTES }, end: at + 8 };
    }
    case 2: {
      const length = varint(message, at);
      const end = length.end + Number(length.value);
      return { field: { number, value: 0n, bytes: message.subarray(length.end, end) }, end };
    }
    case 5: {
      const value = BigInt(message.readUInt32LE(at));
      return { field: { number, value, bytes: NO_BYTES }, end: at + 4 };
    }
    default:
      throw new Error(`There is no wire type ${tag & 7}`);
  }
}

function varint(message: Buffer, from: number): { value: bigint; end: number } {
  let value = 0n;
  for (let at = from, shift = 0n; ; at++, shift += 7n) {
    const byte = message.readUInt8(at);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}
