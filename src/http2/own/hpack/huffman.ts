import { CODE_BITS, CODES, EOS } from "./huffman-code.ts";

/**
 * Bytes that `text` takes in the Huffman code. Characters above 255 are no header bytes: see
 * encoder.ts.
 */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i)]!;
  return (bits + 7) >>> 3;
}

/**
 * Writes `text` in the Huffman code, padded with ones (RFC 7541, 5.2), and returns where it ends.
 */
export function huffmanEncode(text: string, into: Uint8Array, start: number): number {
  let at = start;
  let held = 0; // bits that do not make a byte yet, right-aligned: at most 7
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let left = CODE_BITS[symbol]!;
    const code = CODES[symbol]!;
    while (left > 0) {
      const take = Math.min(left, 8 - heldBits);
      held = (held << take) | ((code >>> (left - take)) & (0xff >>> (8 - take)));
      left -= take;
      heldBits += take;
      if (heldBits === 8) {
        into[at++] = held;
        held = 0;
        heldBits = 0;
      }
    }
  }
  if (heldBits > 0) into[at++] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return at;
}

/**
 * Reads the Huffman code four bits at a time: an entry of TABLE, by state and four bits, is the
 * next state, whether a symbol ends there, and which. The shortest code has five bits, so that four
 * never end two.
 */
const ENDS = 1 << 9;
const FAILS = 1 << 10;
const SYMBOL_SHIFT = 16;
const STATE_MASK = ENDS - 1;
const { table: TABLE, accepting: ACCEPTING } = buildTable();

/**
 * Decodes `bytes` from `start` to `end` into `into`, which must hold 8/5 as many. Returns how many,
 * or -1 when the bytes are no such text.
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const high = TABLE[(state << 4) | (byte >>> 4)]!;
    if ((high & ENDS) !== 0) into[length++] = high >>> SYMBOL_SHIFT;
    const low = TABLE[((high & STATE_MASK) << 4) | (byte & 15)]!;
    if ((low & ENDS) !== 0) into[length++] = low >>> SYMBOL_SHIFT;
    if (((high | low) & FAILS) !== 0) return -1;
    state = low & STATE_MASK;
  }
  return ACCEPTING[state] === 1 ? length : -1;
}

/**
 * A node of the code's tree: its two branches by bit, each a node (0 or more), a symbol (-1 -
 * symbol), or not there.
 */
function buildTree(): Int16Array {
  const tree: number[] = [Number.NaN, Number.NaN];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = CODE_BITS[symbol]! - 1; bit > 0; bit--) {
      const branch = node * 2 + ((CODES[symbol]! >>> bit) & 1);
      if (Number.isNaN(tree[branch])) {
        tree[branch] = tree.length / 2;
        tree.push(Number.NaN, Number.NaN);
      }
      node = tree[branch]!;
    }
    tree[node * 2 + (CODES[symbol]! & 1)] = -1 - symbol;
  }
  return Int16Array.from(tree);
}

function buildTable(): { table: Uint32Array; accepting: Uint8Array } {
  const tree = buildTree();
  const states = tree.length / 2;
  const table = new Uint32Array(states * 16);
  for (let state = 0; state < states; state++) {
    for (let nibble = 0; nibble < 16; nibble++) table[state * 16 + nibble] = step(tree, state, nibble);
  }
  const accepting = new Uint8Array(states);
  // A string may end with up to seven bits of padding, all ones: RFC 7541, 5.2.
  for (let bits = 0, node = 0; bits <= 7; bits++) {
    accepting[node] = 1;
    node = tree[node * 2 + 1]!;
  }
  return { table, accepting };
}

function step(tree: Int16Array, state: number, nibble: number): number {
  let node = state;
  let ended = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const branch = tree[node * 2 + ((nibble >>> bit) & 1)]!;
    if (branch >= 0) {
      node = branch;
      continue;
    }
    const symbol = -1 - branch;
    if (symbol === EOS) return FAILS; // RFC 7541, 5.2: EOS itself is an error
    ended = ENDS | (symbol << SYMBOL_SHIFT);
    node = 0;
  }
  return ended | node;
}
