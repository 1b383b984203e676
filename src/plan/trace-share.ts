/**
 * Whether a trace belongs to a share of all traces, decided by its id alone: the same traces on
 * every node, and a share that is larger contains the smaller ones. It hashes the id (the finaliser
 * of MurmurHash3 over its four words), so that it neither depends on how random ids are nor
 * correlates with consistent probability sampling, which uses their low bits.
 */
export function traceShare(rate: number): (bytes: Uint8Array, start: number, end: number) => boolean {
  const below = rate * 4_294_967_296;
  return (bytes, start, end) => {
    if (end - start !== 16) return false; // no trace id: it belongs to no trace, so to no share of them
    let hash = 0;
    for (let at = start; at < end; at += 4) {
      const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      hash = mix(hash ^ word);
    }
    return hash >>> 0 < below;
  };
}

function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
