/**
 * What sampling does to spans of one class, in AssemblyScript: it becomes WebAssembly, and works
 * on the memory in which the requests are (decision 43). `npm run kernel` compiles it to
 * span-kernel-code.ts; span-kernel.ts calls it, and says what is told where.
 *
 * All of it is about plain spans: their trace id first, and no tracestate. Where anything else is
 * found, nothing is decided, and the same is done in TypeScript, for that resource.
 */

import {
  afterField,
  copy,
  fieldBytes,
  HEAD,
  HEAD_BITS,
  header,
  isShortest,
  ITEM,
  length,
  readLength,
  writeMarked,
} from "./bytes.as";

export const RESOURCE_X: u32 = 0x0a;
export const SCOPE_X: u32 = 0x12;
export const ATTRIBUTE: u32 = 0x4a;
export const PARENT: u32 = 0x22;
const NAME: u32 = 0x2a;
export const KIND: u32 = 0x30;
const START_TIME: u32 = 0x39;
const END_TIME: u32 = 0x41;
/** Of the last three, with a kind below 128. */
export const AFTER_NAME_BYTES: usize = 20;
/** Of a kind and the tag after it, read as four bytes: what is always the same. */
const KIND_AND_START: u32 = (START_TIME << 16) | KIND;
const KIND_AND_START_BITS: u32 = 0xff_80ff;
const STATUS: u32 = 0x7a;
/** Tag and length, or both bytes of a tag, as they are read at once. */
export const TRACE_ID_OF_16: u16 = 0x100a;
export const SPAN_ID_OF_8: u16 = 0x0812;
export const PARENT_OF_8: u16 = 0x0822;
export const FLAGS: u16 = 0x0185;
/** Of tag and length: which tag it is, and that the length has one byte. */
const SHORT_BITS: u16 = 0x80ff;
const RANDOM_BITS: u64 = 0x00ff_ffff_ffff_ffff;

export const NOT_PLAIN: i32 = -1;
export const LEFT_OUT: i32 = -2;

/** Where it tells what it found, and where the mark and the lists are: `span-kernel.ts`. */
export let told: usize = 0;
export let mark: usize = 0;
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
/** Of the run of spans that `measureRun` measured: how many, and by how much they grow. */
let run: i32 = 0;
let grown: i32 = 0;

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
    at = measureRun(at, end, threshold, markBytes);
    spans += run;
    bytes += grown;
    if (at == end) break;
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

/**
 * Measures spans as encoders write most, in one loop that keeps what it counts to itself, and gives
 * the place of the first that is another one, or has its randomness told. 22 ns a span with eight
 * attributes; one by one it was 35.
 */
function measureRun(from: usize, end: usize, threshold: u64, markBytes: u32): usize {
  const room: u32 = 0x3f80 - markBytes;
  const most = untilNote - 1;
  let spans = 0;
  let children = 0;
  let without = 0;
  let droppedBytes: u32 = 0;
  let at = from;
  while (at < end && spans < most) {
    const head = load<u32>(at);
    const size = shortLength(head);
    const next = at + 3 + size;
    if ((head & HEAD_BITS) != HEAD || size - 0x80 >= room || next > end || !isUsual(at + 3, next)) break;
    if (isBelow(at + 3, threshold)) {
      without++;
      droppedBytes += size + 3;
    }
    children += <i32>isChild(at + 3);
    spans++;
    at = next;
  }
  run = spans;
  untilNote -= spans;
  kept += spans - without;
  dropped += without;
  roots += spans - children;
  spanBytes += <i32>(at - from) - 3 * spans;
  grown = (spans - without) * <i32>markBytes - <i32>droppedBytes;
  return at;
}

/**
 * Whether the span of 128 bytes and more is as encoders write most: both ids, a parent or none,
 * name, kind, times, and then attributes; then it is plain, too. What is read beyond its end is not
 * believed: the last field has to end there.
 */
@inline
export function isUsual(from: usize, end: usize): bool {
  if ((load<u64>(from, 2) | load<u64>(from, 10)) == 0) return false;
  let at = isChild(from) ? from + 38 : from + 28;
  const name = load<u16>(at) & SHORT_BITS;
  if ((load<u16>(from) ^ TRACE_ID_OF_16) | (load<u16>(from, 18) ^ SPAN_ID_OF_8) | (name ^ NAME)) return false;
  at = afterShort(at);
  const kind = load<u32>(at) & KIND_AND_START_BITS;
  if ((kind ^ KIND_AND_START) | (load<u8>(at, 11) ^ END_TIME)) return false;
  at += AFTER_NAME_BYTES;
  while (at < end) {
    if ((load<u16>(at) & SHORT_BITS) != ATTRIBUTE) break;
    at = afterShort(at);
  }
  if ((load<u16>(at) & SHORT_BITS) == STATUS) at = afterShort(at);
  if (load<u16>(at) == FLAGS) at += 6;
  return at == end || areFields(at, end);
}

/** Of a span whose ids are there. */
@inline
export function isChild(span: usize): bool {
  return load<u16>(span, 28) == PARENT_OF_8;
}

/**
 * Writes what `measure` measured to `to`, with the resource's tag and length, and gives the place
 * after it.
 */
export function write(
  from: usize,
  end: usize,
  hi: u32,
  lo: u32,
  markBytes: u32,
  listed: u32,
  size: u32,
  to: usize,
): usize {
  const threshold = ((<u64>hi) << 32) | lo;
  scopeAt = scopes + (listed << 2);
  let out = header(to, RESOURCE_X, size);
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
    const first = load<u32>(at);
    let body = at + 3;
    let size = shortLength(first);
    if ((first & HEAD_BITS) != HEAD) {
      if (load<u8>(at) != ITEM) {
        at = afterField(at, end);
        out = copy(out, start, at);
        continue;
      }
      body = readLength(at + 1);
      size = length;
    }
    at = body + size;
    if (!isBelow(body, threshold)) out = writeMarked(out, body, at, mark, markBytes);
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
  return areFields(afterTimes(at, end), end);
}

/** Whether fields of a plain span, behind its ids, are from there to its end. */
function areFields(from: usize, end: usize): bool {
  let at = from;
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

/** The last seven bytes of the trace id of a plain span, turned round by SIMD. */
export function randomness(span: usize): u64 {
  const id = v128.load(span + 2);
  const turned = v128.shuffle<u8>(id, id, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return v128.extract_lane<u64>(turned, 0) & RANDOM_BITS;
}

/** Whether a plain span is dropped: mostly the first of the seven bytes tells it. */
@inline
export function isBelow(span: usize, threshold: u64): bool {
  return <u64>load<u8>(span, 11) <= threshold >> 48 && randomness(span) < threshold;
}

/** What is said by the length in two bytes after a tag. */
@inline
export function shortLength(head: u32): u32 {
  return ((head >> 8) & 0x7f) | ((head >> 9) & 0x3f80);
}

/** The place after a field of less than 128 bytes. In this order, so that one addition waits. */
@inline
function afterShort(field: usize): usize {
  return field + 2 + load<u8>(field, 1);
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
