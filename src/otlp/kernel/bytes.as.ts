/**
 * Fields as the kernel reads and writes them, and how it copies (decision 43): in AssemblyScript,
 * a part of span-kernel.as.ts.
 */

export const ITEM: u32 = 0x12;
/** Tag and length of an item whose length has two bytes: what of the three is always the same. */
export const HEAD: u32 = 0x00_8012;
export const HEAD_BITS: u32 = 0x80_80ff;

/** What `readLength` read last. */
export let length: u32 = 0;

/** The place after a LEN field whose tag has one byte; 0: it is another one. */
export function afterField(at: usize, end: usize): usize {
  const tag = <u32>load<u8>(at);
  if (tag >= 0x80 || tag < 8 || (tag & 7) != 2) return 0;
  const body = readLength(at + 1);
  const after = body + length;
  return body == 0 || after > end ? 0 : after;
}

/** Reads `length` at a place, and gives the one after it; 0: it has more than four bytes. */
export function readLength(at: usize): usize {
  const first = <u32>load<u8>(at);
  if (first < 0x80) {
    length = first;
    return at + 1;
  }
  const second = <u32>load<u8>(at + 1);
  if (second < 0x80) {
    length = (first & 0x7f) | (second << 7);
    return at + 2;
  }
  return readLong(at);
}

function readLong(at: usize): usize {
  const third = <u32>load<u8>(at + 2);
  length = (<u32>load<u8>(at) & 0x7f) | ((<u32>load<u8>(at + 1) & 0x7f) << 7) | ((third & 0x7f) << 14);
  if (third < 0x80) return at + 3;
  const fourth = <u32>load<u8>(at + 3);
  length |= fourth << 21;
  return fourth < 0x80 ? at + 4 : 0;
}

export function header(at: usize, tag: u32, size: u32): usize {
  store<u8>(at, <u8>tag);
  let out = at + 1;
  let rest = size;
  for (; rest >= 0x80; rest >>= 7) store<u8>(out++, <u8>(rest | 0x80));
  store<u8>(out, <u8>rest);
  return out + 1;
}

/** Bytes of a field that has so many in it. */
export function fieldBytes(size: u32): i32 {
  const bytes = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : size < 0x1000_0000 ? 4 : 5;
  return <i32>(1 + bytes + size);
}

/**
 * Whether the field there, of `length` bytes, says that in as few as it takes. Headers of scopes
 * are written anew: one that became shorter would be another than TypeScript's, which leaves a
 * scope as it is, and what is written in place could come before what is not read yet.
 */
export function isShortest(start: usize, end: usize): bool {
  return fieldBytes(length) == <i32>(end - start);
}

/** A longer one is copied by what the system has for that. */
const MOST_BY_HAND: usize = 1_024;
const BLOCK: usize = 64;

/**
 * From the beginning on, so that what is copied may lie over where it comes from, before it. Gives
 * the place after it. By blocks 11 ns a span of 340 bytes, where by 16 bytes at a time and the rest
 * by one it was 19, and by `memory.copy` 23.
 */
export function copy(to: usize, from: usize, end: usize): usize {
  const size = end - from;
  if (size - BLOCK <= MOST_BY_HAND - BLOCK) return copyBlocks(to, from, end);
  if (size > MOST_BY_HAND) memory.copy(to, from, size);
  else copyFew(to, from, size);
  return to + size;
}

/**
 * What has a block and more. The last block, which mostly lies over the one before it, is read
 * before anything is written: so that no branch depends on how many bytes are left, which no
 * processor foresees.
 */
@inline
function copyBlocks(to: usize, from: usize, end: usize): usize {
  const last = end - BLOCK;
  const a = v128.load(last);
  const b = v128.load(last, 16);
  const c = v128.load(last, 32);
  const d = v128.load(last, 48);
  let at = from;
  let out = to;
  for (; at < last; at += BLOCK, out += BLOCK) {
    const e = v128.load(at);
    const f = v128.load(at, 16);
    const g = v128.load(at, 32);
    const h = v128.load(at, 48);
    v128.store(out, e);
    v128.store(out, f, 16);
    v128.store(out, g, 32);
    v128.store(out, h, 48);
  }
  out = to + (last - from);
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
  return out + BLOCK;
}

/** A call of memory.copy costs more than a few bytes. */
function copyFew(to: usize, from: usize, size: usize): void {
  let at: usize = 0;
  for (; at + 8 <= size; at += 8) store<u64>(to + at, load<u64>(from + at));
  for (; at < size; at++) store<u8>(to + at, load<u8>(from + at));
}

/**
 * Writes what is kept of a span whose message is [from, end), with its mark, and gives the place
 * after it.
 */
@inline
export function writeMarked(to: usize, from: usize, end: usize, mark: usize, markBytes: u32): usize {
  const size = <u32>(end - from);
  const body = head(to, size + markBytes);
  const out = <usize>size - BLOCK <= MOST_BY_HAND - BLOCK ? copyBlocks(body, from, end) : copy(body, from, end);
  if (markBytes - 8 > 8) {
    copyFew(out, mark, markBytes);
    return out + markBytes;
  }
  // Of 8 to 16 bytes, as most have: two times 8.
  const rest = load<u64>(mark + markBytes - 8);
  store<u64>(out, load<u64>(mark));
  store<u64>(out + markBytes - 8, rest);
  return out + markBytes;
}

/** The tag and length of a span. */
@inline
function head(to: usize, size: u32): usize {
  if (size - 0x80 >= 0x3f80) return header(to, ITEM, size);
  store<u16>(to, <u16>(HEAD | (size << 8)));
  store<u8>(to, <u8>(size >> 7), 2);
  return to + 3;
}
