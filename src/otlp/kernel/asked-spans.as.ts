/**
 * What sampling does to spans that rules ask (decision 43): rules that compare whole numbers of an
 * attribute, a status or a kind with two others. asked-kernel.ts calls it, and says what is where.
 * Spans are plain as in span-kernel.as.ts, and what is asked is as encoders write it.
 */
import { afterField, copy, fieldBytes, header, isShortest, ITEM, length, readLength, writeMarked } from "./bytes.as";
import {
  AFTER_NAME_BYTES,
  afterTimes,
  ATTRIBUTE,
  FLAGS,
  KIND,
  LEFT_OUT,
  NOT_PLAIN,
  notes,
  notesEnd,
  PARENT,
  PARENT_OF_8,
  randomness,
  RESOURCE_X,
  SCOPE_X,
  scopes,
  scopesEnd,
  SPAN_ID_OF_8,
  TRACE_ID_OF_16,
} from "./span-kernel.as";

export { copy as move } from "./bytes.as";
export { markAll } from "./mark-all.as";
export { init, measure, write } from "./span-kernel.as";

const STATUS: u32 = 0x7a;
const STATUS_MESSAGE: u32 = 0x12;
const STATUS_CODE: u32 = 0x18;
const INT_VALUE: u32 = 0x18;
const KEY: u32 = 0x0a;
const VALUE: u32 = 0x12;
/** Of four bytes that are a tag, a length, a key's tag and its length, what has to be so. */
const KEYED_BITS: u32 = 0x80ff_80ff;
const KEYED: u32 = (KEY << 16) | ATTRIBUTE;

const ABSENT: i32 = -1;
/** What becomes of a span: from MARK on it is kept with the mark of class `verdict - MARK`. */
const DROP: u32 = 0;
const KEEP: u32 = 1;
const MARK: u32 = 2;
/** Flags of a class: whether spans are decided on, and of one in 64 the randomness is told. */
const DECIDED: i32 = 1;
const NOTED: i32 = 2;

/** Places in the page. */
const LENGTHS: usize = 64;
const KEYS: usize = 192;
const STEPS: usize = 320;
const CLASSES: usize = 576;
const TALLIES: usize = 896;
const TOLD: usize = 1_184;
const MARKS: usize = 1_216;
const TEXTS: usize = 1_792;
const VERDICTS: usize = 4_096;
const PAGE: usize = 65_536;
const STATUS_VALUE: usize = 8 << 2;
const KIND_VALUE: usize = 9 << 2;

let page: usize = 0;
let keyCount: i32 = 0;
let stepCount: i32 = 0;
let kept: i32 = 0;
let marked: i32 = 0;
let root: i32 = 0;
let untilNote: i32 = 0;
let noteAt: usize = 0;
let scopeAt: usize = 0;
let verdictAt: usize = 0;

export function openAsked(at: usize): void {
  page = at;
}

export function ask(keys: i32, steps: i32): void {
  keyCount = keys;
  stepCount = steps;
}

/**
 * As `measure` of span-kernel.as.ts, where the steps say of which class a span is. Verdicts are
 * listed behind those of other resources, of which there are `noted`.
 */
export function measureAsked(from: usize, end: usize, until: i32, listed: u32, verdicts: u32): i32 {
  kept = marked = 0;
  memory.fill(page + TALLIES, 0, TOLD - TALLIES);
  untilNote = until;
  noteAt = notes;
  scopeAt = scopes + (listed << 2);
  verdictAt = page + VERDICTS + verdicts;
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
    const left = measureScope(body, at);
    if (left == NOT_PLAIN) return NOT_PLAIN;
    store<i32>(scopeAt, left);
    scopeAt += 4;
    bytes += (left == LEFT_OUT ? 0 : fieldBytes(left)) - <i32>(at - start);
  }
  tell();
  return bytes;
}

/** How long the scope_x message is afterwards; LEFT_OUT: none of its items stays. */
function measureScope(from: usize, end: usize): i32 {
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
    if (body == 0 || verdictAt == page + PAGE) return NOT_PLAIN;
    const size = length;
    at = body + size;
    if (at > end || !read(body, at)) return NOT_PLAIN;
    spans++;
    const verdict = decide(body, size);
    if (verdict < 0) return NOT_PLAIN;
    store<u8>(verdictAt++, verdict);
    if (verdict == DROP) {
      bytes -= <i32>(at - start);
      continue;
    }
    kept++;
    if (verdict == KEEP) continue;
    marked++;
    bytes += fieldBytes(size + markOf(verdict)) - <i32>(at - start);
  }
  return spans > 0 && kept == before ? LEFT_OUT : bytes;
}

/** Of the span that was read last. -1: there is no room to tell its randomness. */
function decide(body: usize, size: u32): i32 {
  const klass = classOf();
  const to = page + CLASSES + ((<usize>klass) << 5);
  const flags = load<i32>(to, 8);
  const random = randomness(body);
  if ((flags & NOTED) != 0 && --untilNote == 0 && !noteRandomness(random)) return -1;
  const isDecided = (flags & DECIDED) != 0;
  const isDropped = random < load<u64>(to);
  const tally = page + TALLIES + ((<usize>klass) << 5);
  const count = tally + (isDropped ? 0 : isDecided ? 8 : 4);
  store<i32>(count, load<i32>(count) + 1);
  store<i32>(tally, load<i32>(tally, 12) + size, 12);
  store<i32>(tally, load<i32>(tally, 16) + root, 16);
  return isDropped ? DROP : isDecided ? MARK + klass : KEEP;
}

/** Of the first step whose number lies where it asks; the last step is one for all. */
function classOf(): i32 {
  let step = page + STEPS;
  for (let i = 1; i < stepCount; i++, step += 16) {
    const value = load<i32>(page + ((<usize>load<i32>(step)) << 2));
    if (value >= load<i32>(step, 4) && value <= load<i32>(step, 8)) break;
  }
  return load<i32>(step, 12);
}

/** Reads the span in [from, end), as far as rules ask. False: it is not plain. */
function read(from: usize, end: usize): bool {
  if (from + 18 > end || load<u16>(from) != TRACE_ID_OF_16) return false;
  if ((load<u64>(from + 2) | load<u64>(from + 10)) == 0) return false;
  for (let key = 0; key < keyCount; key++) store<i32>(page + ((<usize>key) << 2), ABSENT);
  store<u64>(page + STATUS_VALUE, 0); // and the kind
  const lengths = page + LENGTHS;
  let missing = keyCount;
  let at = from + 18;
  if (at < end && load<u16>(at) == SPAN_ID_OF_8) at += 10;
  root = at < end && load<u16>(at) == PARENT_OF_8 ? 0 : 1;
  if (root == 0) at += 10;
  const name = at;
  at = afterTimes(name, end);
  if (at == name + 2 + load<u8>(name + 1) + AFTER_NAME_BYTES) {
    store<i32>(page + KIND_VALUE, load<u8>(at - AFTER_NAME_BYTES + 1));
  }
  while (at < end) {
    const head = load<u32>(at);
    if ((head & 0x80ff) != ATTRIBUTE) {
      at = afterOther(at, end, head & 0xffff, missing);
      if (at == 0) return false;
      continue;
    }
    const size = (head >> 8) & 0xff;
    if (missing != 0) {
      const keyBytes = head >> 24;
      const valueBytes = size - keyBytes - 4;
      if ((head & KEYED_BITS) != KEYED || <i32>valueBytes < 0) return false;
      if (<u32>load<u16>(at + 4 + keyBytes) != ((valueBytes << 8) | VALUE)) return false;
      const first = <u32>load<u8>(lengths + keyBytes);
      if (first != 0) {
        const found = readValue(at + 4, keyBytes, valueBytes, first);
        if (found < 0) return false;
        missing -= found;
      }
    }
    at += 2 + size;
  }
  return at == end;
}

/** The place after a field that is no short attribute; 0: it is not plain. */
function afterOther(at: usize, end: usize, head: u32, missing: i32): usize {
  const tag = head & 0xff;
  if (tag <= PARENT || tag >= 0x80) return head == FLAGS ? at + 6 : 0;
  const wire = tag & 7;
  if (wire == 1) return at + 9;
  if (wire == 0 && head < 0x8000) {
    if (tag == KIND) store<i32>(page + KIND_VALUE, head >> 8);
    return at + 2;
  }
  if (wire != 2) return 0;
  const body = readLength(at + 1);
  if (body == 0) return 0;
  const to = body + length;
  if (to > end) return 0;
  if (tag == STATUS && !readStatus(body, to)) return 0;
  if (tag == ATTRIBUTE && missing != 0 && !isOther(body, to)) return 0;
  return to;
}

/**
 * Whether the attribute whose key is there was looked for, and not found before; -1: what it says
 * is no small whole number.
 */
function readValue(key: usize, keyBytes: u32, valueBytes: i32, first: u32): i32 {
  const which = keyAt(key, keyBytes, first);
  if (which < 0) return 0;
  const place = page + ((<usize>which) << 2);
  if (load<i32>(place) != ABSENT) return 0;
  const whole = wholeOf(key + keyBytes + 2, valueBytes);
  store<i32>(place, whole);
  return whole < 0 ? -1 : 1;
}

/** Whether a long attribute is as encoders write them, and none that is looked for. */
function isOther(body: usize, to: usize): bool {
  const keyBytes = <u32>load<u8>(body + 1);
  if (load<u8>(body) != KEY || keyBytes >= 0x80) return false;
  const field = body + 2 + keyBytes;
  if (load<u8>(field) != VALUE) return false;
  const value = readLength(field + 1);
  if (value == 0 || value + length != to) return false;
  const first = load<u8>(page + LENGTHS + keyBytes);
  return first == 0 || keyAt(body + 2, keyBytes, first) < 0;
}

/** Which key is there, among those of this length, of which `first` is one more than the first. */
function keyAt(at: usize, bytes: u32, first: u32): i32 {
  for (let key = first; key != 0; key = load<u32>(page + KEYS + ((<usize>(key - 1)) << 4))) {
    if (isEqual(at, page + TEXTS + ((<usize>(key - 1)) << 7), bytes)) return key - 1;
  }
  return -1;
}

/** The end first: keys of one family differ there. */
function isEqual(at: usize, text: usize, bytes: u32): bool {
  let rest: usize = bytes;
  for (; rest >= 8; rest -= 8) if (load<u64>(at + rest - 8) != load<u64>(text + rest - 8)) return false;
  for (; rest > 0; rest--) if (load<u8>(at + rest - 1) != load<u8>(text + rest - 1)) return false;
  return true;
}

/** The AnyValue there as a whole number from 0 to 2^28 - 1; ABSENT: it is nothing of the kind. */
function wholeOf(at: usize, bytes: i32): i32 {
  if (bytes < 2 || bytes > 5 || load<u8>(at) != INT_VALUE) return ABSENT;
  const last = at + bytes - 1;
  let whole = <i32>load<u8>(last);
  if (whole >= 0x80) return ABSENT;
  for (let place = last - 1; place > at; place--) {
    const byte = <i32>load<u8>(place);
    if (byte < 0x80) return ABSENT;
    whole = (whole << 7) | (byte & 0x7f);
  }
  return whole;
}

/** False: it is not plain. */
function readStatus(from: usize, end: usize): bool {
  let at = from;
  while (at < end) {
    const tag = <u32>load<u8>(at);
    if (tag == STATUS_CODE && load<u8>(at + 1) < 0x80) {
      store<i32>(page + STATUS_VALUE, load<u8>(at + 1));
      at += 2;
      continue;
    }
    if (tag != STATUS_MESSAGE) return false;
    at = afterField(at, end);
    if (at == 0) return false;
  }
  return at == end;
}

function noteRandomness(random: u64): bool {
  if (noteAt == notesEnd) return false;
  store<u32>(noteAt, <u32>(random >> 32));
  store<u32>(noteAt + 4, <u32>random);
  noteAt += 8;
  untilNote = 64;
  return true;
}

function markOf(verdict: i32): u32 {
  return load<u32>(page + CLASSES + ((<usize>(verdict - MARK)) << 5), 12);
}

function tell(): void {
  const told = page + TOLD;
  store<i32>(told, kept);
  store<i32>(told + 4, marked);
  store<i32>(told + 8, untilNote);
  store<i32>(told + 12, <i32>((noteAt - notes) >> 3));
  store<i32>(told + 16, <i32>((scopeAt - scopes) >> 2));
  store<i32>(told + 20, <i32>(verdictAt - page - VERDICTS));
}

/** Writes what `measureAsked` measured to `to`, and gives the place after it. */
export function writeAsked(from: usize, end: usize, listed: u32, verdicts: u32, size: u32, to: usize): usize {
  scopeAt = scopes + (listed << 2);
  verdictAt = page + VERDICTS + verdicts;
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
    out = left == LEFT_OUT ? passScope(body, at, out) : writeScope(body, at, header(out, SCOPE_X, left));
  }
  return out;
}

/** Nothing of it stays. */
function passScope(from: usize, end: usize, out: usize): usize {
  let at = from;
  while (at < end) {
    if (load<u8>(at) == ITEM) verdictAt++;
    at = afterField(at, end);
  }
  return out;
}

function writeScope(from: usize, end: usize, to: usize): usize {
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
    const verdict = <u32>load<u8>(verdictAt++);
    if (verdict == DROP) continue;
    if (verdict == KEEP) {
      out = copy(out, start, at);
      continue;
    }
    out = writeMarked(out, body, at, page + MARKS + ((<usize>(verdict - MARK)) << 6), markOf(verdict));
  }
  return out;
}
