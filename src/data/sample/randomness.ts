const TRACE_ID_BYTES = 16;

/** 56 bits of randomness of one item, as their upper 24 and lower 32. */
export class Randomness {
  hi = 0;
  lo = 0;

  /** As `rv` has it. */
  get text(): string {
    return this.hi.toString(16).padStart(6, "0") + this.lo.toString(16).padStart(8, "0");
  }

  /** The last seven bytes of a trace id. False for what is none: it has no randomness. */
  fromTraceId(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== TRACE_ID_BYTES || (bytes[end - 1] === 0 && !isTraceId(bytes, start, end))) return false;
    this.hi = (bytes[start + 9]! << 16) | (bytes[start + 10]! << 8) | bytes[start + 11]!;
    const at = start + 12;
    this.lo = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    return true;
  }

  /** Made of all of a trace id: for senders whose ids are not random at their end. */
  hashTraceId(bytes: Uint8Array, start: number, end: number): boolean {
    if (!isTraceId(bytes, start, end)) return false;
    this.hash(bytes, start, end);
    return true;
  }

  /** Made of any bytes; the same on every node. */
  hash(bytes: Uint8Array, start: number, end: number): void {
    let a = 0x2545_f491;
    let b = 0x6c07_8965 ^ (end - start);
    for (let at = start; at < end; at++) {
      a = Math.imul(a ^ bytes[at]!, 0x0100_0193);
      b = Math.imul(b ^ bytes[at]!, 0x85eb_ca6b);
      b ^= b >>> 15;
    }
    this.hi = mix(a ^ b) >>> 8;
    this.lo = mix(b ^ (a >>> 16) ^ 0x9e37_79b1) >>> 0;
  }
}

function isTraceId(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRACE_ID_BYTES) return false;
  for (let at = end - 1; at >= start; at--) if (bytes[at] !== 0) return true;
  return false;
}

/** The finaliser of MurmurHash3. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
