/** Protobuf fields as bytes. Simple rather than fast: requests are prepared once and patched afterwards. */

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

export function utf8(value: string): Uint8Array {
  return encoder.encode(value);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A LEN field, also when it is empty. */
export function bytes(field: number, value: Uint8Array): Uint8Array {
  return join([rawVarint(field * 8 + 2), rawVarint(value.length), value]);
}

export function message(field: number, parts: readonly Uint8Array[]): Uint8Array {
  return bytes(field, join(parts));
}

/** Left out when empty, as proto3 does. */
export function text(field: number, value: string): Uint8Array {
  return value === "" ? NOTHING : bytes(field, utf8(value));
}

/** Left out when empty. */
export function hex(field: number, value: string): Uint8Array {
  if (value === "") return NOTHING;
  const raw = new Uint8Array(value.length / 2);
  for (let i = 0; i < raw.length; i++) raw[i] = Number.parseInt(value.slice(2 * i, 2 * i + 2), 16);
  return bytes(field, raw);
}

/** Left out when 0. */
export function varint(field: number, value: number): Uint8Array {
  return value === 0 ? NOTHING : varintAlways(field, value);
}

export function varintAlways(field: number, value: number | bigint): Uint8Array {
  return join([rawVarint(field * 8), rawVarint(value)]);
}

export function fixed64(field: number, value: bigint): Uint8Array {
  return join([rawVarint(field * 8 + 1), rawFixed64(value)]);
}

export function fixed32(field: number, value: number): Uint8Array {
  const raw = new Uint8Array(4);
  new DataView(raw.buffer).setUint32(0, value, true);
  return join([rawVarint(field * 8 + 5), raw]);
}

export function double(field: number, value: number): Uint8Array {
  return join([rawVarint(field * 8 + 1), rawDouble(value)]);
}

export function packedFixed64(field: number, values: readonly bigint[]): Uint8Array {
  return message(field, values.map(rawFixed64));
}

export function packedDouble(field: number, values: readonly number[]): Uint8Array {
  return message(field, values.map(rawDouble));
}

/** Of a number below 2^53 or an unsigned 64-bit one. */
function rawVarint(value: number | bigint): Uint8Array {
  if (typeof value === "number" && value < 128) return Uint8Array.of(value);
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function rawFixed64(value: bigint): Uint8Array {
  const raw = new Uint8Array(8);
  new DataView(raw.buffer).setBigUint64(0, value, true);
  return raw;
}

function rawDouble(value: number): Uint8Array {
  const raw = new Uint8Array(8);
  new DataView(raw.buffer).setFloat64(0, value, true);
  return raw;
}
