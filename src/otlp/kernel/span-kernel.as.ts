/**
 * What sampling does to spans of one class, in AssemblyScript: it becomes WebAssembly, and works
 * on the memory in which the requests are (decision 43). `npm run kernel` compiles it to
 * span-kernel-code.ts; span-kernel.ts calls it, and says what is told where.
 *
 * All of it is about plain spans: their trace id first, and no tracestate. Where anything else is
 * found, nothing is decided, and the same is done in TypeScript, for that resource.
 */

export const SCOPE_X: u32 = 0x12;
export const ITEM: u32 = 0x12;
export const ATTRIBUTE: u32 = 0x4a;
export const PARENT: u32 = 0x22;
const NAME: u32 = 0x2a;
export const KIND: u32 = 0x30;
const START_TIME: u32 = 0x39;
const END_TIME: u32 = 0x41;
/** Of the last three, with a kind below 128. */
export const AFTER_NAME_BYTES: usize = 20;
/** Tag and length, or both bytes of a tag, as they are read at once. */
export const TRACE_ID_OF_16: u16 = 0x100a;
export const SPAN_ID_OF_8: u16 = 0x0812;
export const PARENT_OF_8: u16 = 0x0822;
export const FLAGS: u16 = 0x0185;
const RANDOM_BITS: u64 = 0x00ff_ffff_ffff_ffff;

export const NOT_PLAIN: i32 = -1;
export const LEFT_OUT: i32 = -2;

/** Where it tells what it found, and where the mark and the lists are: `span-kernel.ts`. */
let told: usize = 0;
let mark: usize = 0;
export let notes: usize = 0;
export let notesEnd: usize = 0;
export let scopes: usize = 0;
export let scopesEnd: usize = 0;

/** Of the resource that is measured. */
let kept: i32 = 0;
let dropped: i32 = 0;
let roots: i32 = 0;
let spanBytes: i32 = 0;
/** So many spans until one has its randomness told. */
let untilNote: i32 = 0;
let noteAt: usize = 0;
let scopeAt: usize = 0;

/** What `readLength` read last. */
export let length: u32 = 0;

export function init(page: usize): void {
  told = page;
  mark = page + 64;
  notes = page + 1_024;
  notesEnd = scopes = page + 16_384;
  scopesEnd = page + 65_536;
}

/**
 * Measures the resource_x message in [from, end): how long it is when only spans are left that
 * reach the threshold, each with a mark of `markBytes`. NOT_PLAIN: that is not known. Lengths of
 * its scopes are listed behind those of other resources, of which there are `listed`.
 */
export function measure(from: usize, end: usize, hi: u32, lo: u32, markBytes: u32, until: i32, listed: u32): i32 {
  const threshold = ((<u64>hi) << 32) | lo;
  kept = dropped = roots = spanBytes = 0;
  untilNote = until;
  noteAt = notes;
  scopeAt = scopes + (listed << 2);
  let bytes = <i32>(end - from);
  let at = from;
  while (at < end) {
    const start = at;
    if (load<u8>(at) != SCOPE_X) {
      at = afterField(at, end);
      if (at == 0) return NOT_PLAIN;
      continue;
    }
    const body = readLength(at + 1);
    if (body == 0 || scopeAt == scopesEnd) return NOT_PLAIN;
    at = body + length;
    if (!isShortest(start, at)) return NOT_PLAIN;
    const left = measureScope(body, at, threshold, markBytes);
    if (left == NOT_PLAIN) return NOT_PLAIN;
    store<i32>(scopeAt, left);
    scopeAt += 4;
    bytes += (left == LEFT_OUT ? 0 : fieldBytes(left)) - <i32>(at - start);
  }
  tell();
  return bytes;
}

/** How long the scope_x message is afterwards; LEFT_OUT: none of its items stays. */
function measureScope(from: usize, end: usize, threshold: u64, markBytes: u32): i32 {
  const before = kept;
  let spans: i32 = 0;
  let bytes = <i32>(end - from);
  let at = from;
  while (at < end) {
    const start = at;
    if (load<u8>(at) != ITEM) {
      at = afterField(at, end);
      if (at == 0) return NOT_PLAIN;
      continue;
    }
    const body = readLength(at + 1);
    if (body == 0) return NOT_PLAIN;
    const size = length;
    at = body + size;
    if (at > end || !isPlain(body, at)) return NOT_PLAIN;
    spans++;
    spanBytes += size;
    const random = randomness(body);
    if (--untilNote == 0 && !noteRandomness(random)) return NOT_PLAIN;
    if (random < threshold) {
      dropped++;
      bytes -= <i32>(at - start);
    } else {
      kept++;
      bytes += fieldBytes(size + markBytes) - <i32>(at - start);
    }
  }
  return spans > 0 && kept == before ? LEFT_OUT : bytes;
}

/** Writes what `measure` measured to `out`, and gives the place after it. */
export function write(from: usize, end: usize, hi: u32, lo: u32, markBytes: u32, listed: u32, out: usize): usize {
  const threshold = ((<u64>hi) << 32) | lo;
  scopeAt = scopes + (listed << 2);
  let at = from;
  while (at < end) {
    const start = at;
    if (load<u8>(at) != SCOPE_X) {
      at = afterField(at, end);
      out = copy(out, start, at);
      continue;
    }
    const body = readLength(at + 1);
    at = body + length;
    const left = load<i32>(scopeAt);
    scopeAt += 4;
    if (left != LEFT_OUT) out = writeScope(body, at, threshold, markBytes, header(out, SCOPE_X, left));
  }
  return out;
}

function writeScope(from: usize, end: usize, threshold: u64, markBytes: u32, to: usize): usize {
  let out = to;
  let at = from;
  while (at < end) {
    const start = at;
    if (load<u8>(at) != ITEM) {
      at = afterField(at, end);
      out = copy(out, start, at);
      continue;
    }
    const body = readLength(at + 1);
    at = body + length;
    if (randomness(body) < threshold) continue;
    out = copy(header(out, ITEM, length + markBytes), body, at);
    out = copyShort(out, mark, markBytes);
  }
  return out;
}

/**
 * Whether the span in [from, end) is well-formed and plain; counts whether it begins a trace.
 * Fields are skipped by the lengths they say: it is one when the last ends where it does.
 */
function isPlain(from: usize, end: usize): bool {
  if (from + 18 > end || load<u16>(from) != TRACE_ID_OF_16) return false;
  if ((load<u64>(from + 2) | load<u64>(from + 10)) == 0) return false;
  let at = from + 18;
  if (at < end && load<u16>(at) == SPAN_ID_OF_8) at += 10;
  if (at < end && load<u16>(at) == PARENT_OF_8) at += 10;
  else roots++;
  at = afterTimes(at, end);
  while (at < end) {
    const tag = <u32>load<u8>(at);
    const size = <u32>load<u8>(at + 1);
    if (tag == ATTRIBUTE && size < 0x80) {
      at += 2 + size;
      continue;
    }
    if (tag <= PARENT || tag >= 0x80) {
      if (load<u16>(at) != FLAGS) return false;
      at += 6;
      continue;
    }
    const wire = tag & 7;
    if (wire == 1) at += 9;
    else if (wire == 2) {
      const body = readLength(at + 1);
      if (body == 0) return false;
      at = body + length;
    } else if (wire == 0 && size < 0x80) at += 2;
    else return false;
  }
  return at == end;
}

/** The place after name, kind and times as encoders write them; else that of the first of them. */
export function afterTimes(from: usize, end: usize): usize {
  const nameBytes = <u32>load<u8>(from + 1);
  if (from >= end || load<u8>(from) != NAME || nameBytes >= 0x80) return from;
  const at = from + 2 + nameBytes;
  const isUsual =
    at + AFTER_NAME_BYTES <= end &&
    load<u8>(at) == KIND &&
    load<u8>(at + 1) < 0x80 &&
    load<u8>(at + 2) == START_TIME &&
    load<u8>(at + 11) == END_TIME;
  return isUsual ? at + AFTER_NAME_BYTES : at;
}

/** The last seven bytes of the trace id of a plain span. */
export function randomness(span: usize): u64 {
  return bswap<u64>(load<u64>(span + 10)) & RANDOM_BITS;
}

/** False: there is no room to tell it. */
function noteRandomness(random: u64): bool {
  if (noteAt == notesEnd) return false;
  store<u32>(noteAt, <u32>(random >> 32));
  store<u32>(noteAt + 4, <u32>random);
  noteAt += 8;
  untilNote = 64;
  return true;
}

function tell(): void {
  store<i32>(told, kept);
  store<i32>(told + 4, dropped);
  store<i32>(told + 8, roots);
  store<i32>(told + 12, spanBytes);
  store<i32>(told + 16, untilNote);
  store<i32>(told + 20, <i32>((noteAt - notes) >> 3));
  store<i32>(told + 24, <i32>((scopeAt - scopes) >> 2));
}

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

/**
 * From the beginning on, so that what is copied may lie over where it comes from, before it. By 16
 * bytes at a time 19 ns a span with its header and mark, by `memory.copy` 23 (340 bytes).
 */
export function copy(to: usize, from: usize, end: usize): usize {
  let at = from;
  let out = to;
  if (end - from > MOST_BY_HAND) {
    memory.copy(to, from, end - from);
    return to + (end - from);
  }
  for (; at + 16 <= end; at += 16, out += 16) v128.store(out, v128.load(at));
  if (at + 8 <= end) {
    store<u64>(out, load<u64>(at));
    at += 8;
    out += 8;
  }
  for (; at < end; at++, out++) store<u8>(out, load<u8>(at));
  return out;
}

/** A call of memory.copy costs more than a few bytes. */
export function copyShort(to: usize, from: usize, size: u32): usize {
  let at: u32 = 0;
  for (; at + 8 <= size; at += 8) store<u64>(to + at, load<u64>(from + at));
  for (; at < size; at++) store<u8>(to + at, load<u8>(from + at));
  return to + size;
}
