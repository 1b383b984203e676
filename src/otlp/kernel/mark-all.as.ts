/**
 * Marks all spans of a request where it is, in one go: each is looked at and moved at once, which
 * takes a third less than to measure all and then to write all (decision 43). In AssemblyScript, a
 * part of span-kernel.as.ts. Where there is anything else than spans as encoders write most, all
 * of them kept, what was done is undone.
 */
import {
  afterField,
  copy,
  fieldBytes,
  HEAD,
  HEAD_BITS,
  header,
  ITEM,
  length,
  readLength,
  writeMarked,
} from "./bytes.as";
import {
  isBelow,
  isChild,
  isUsual,
  mark,
  notes,
  notesEnd,
  RESOURCE_X,
  randomness,
  SCOPE_X,
  scopes,
  scopesEnd,
  shortLength,
  told,
} from "./span-kernel.as";

/** Where resources are, two numbers each, and behind them what was moved, four numbers each. */
const MOVED: usize = 8_192;
const MOVE: usize = 16;
/** Of which resource a span with noted randomness is: behind the mark. */
const NOTED_OF: usize = 512;
const MOST_NOTED: i32 = 128;

let threshold: u64 = 0;
let markBytes: u32 = 0;
let untilNote: i32 = 0;
let noted: i32 = 0;
let roots: i32 = 0;
let spanBytes: i32 = 0;
let movedAt: usize = 0;
let resource: u32 = 0;

/**
 * The request begins at `from`, and with its marks, of 8 to 16 bytes each, at `to`. False: it is as
 * it was.
 */
export function markAll(count: u32, hi: u32, lo: u32, bytes: u32, until: i32, from: usize, to: usize): bool {
  threshold = ((<u64>hi) << 32) | lo;
  markBytes = bytes;
  untilNote = until;
  noted = roots = spanBytes = 0;
  movedAt = scopes + MOVED;
  let at = from;
  let out = to;
  for (resource = 0; resource < count; resource++) {
    const place = scopes + ((<usize>resource) << 3);
    const end = <usize>load<u32>(place, 4);
    out = markResource(at, load<u32>(place), end, out);
    if (out == 0) {
      undo();
      return false;
    }
    at = end;
  }
  store<i32>(told, roots, 8);
  store<i32>(told, spanBytes, 12);
  store<i32>(told, untilNote, 16);
  store<i32>(told, noted, 20);
  return true;
}

/** The resource_x field that begins at `start`, and its message at `from`. 0: it is another one. */
function markResource(start: usize, from: usize, end: usize, to: usize): usize {
  if (!staysAsWide(<u32>(end - from), from - start)) return 0;
  if (!move(start, 0, <u32>(end - from), RESOURCE_X)) return 0;
  const first = to + (from - start);
  let out = first;
  let at = from;
  while (at < end) {
    if (load<u8>(at) != SCOPE_X) {
      const after = afterField(at, end);
      if (after == 0 || !move(at, out, <u32>(after - at), 0)) return 0;
      out = copy(out, at, after);
      at = after;
      continue;
    }
    const body = readLength(at + 1);
    const size = length;
    if (body == 0 || !staysAsWide(size, body - at) || !move(at, 0, size, SCOPE_X)) return 0;
    const inner = out + (body - at);
    const after = markScope(body, body + size, inner);
    if (after == 0) return 0;
    header(out, SCOPE_X, <u32>(after - inner));
    out = after;
    at = body + size;
  }
  header(to, RESOURCE_X, <u32>(out - first));
  return out;
}

function markScope(from: usize, end: usize, to: usize): usize {
  const room: u32 = 0x3f80 - markBytes;
  let out = to;
  let at = from;
  while (at < end) {
    const head = load<u32>(at);
    const size = shortLength(head);
    const next = at + 3 + size;
    if ((head & HEAD_BITS) != HEAD) {
      const after: usize = (head & 0xff) == ITEM ? 0 : afterField(at, end);
      if (after == 0 || !move(at, out, <u32>(after - at), 0)) return 0;
      out = copy(out, at, after);
      at = after;
      continue;
    }
    const span = at + 3;
    if (size - 0x80 >= room || next > end || !isUsual(span, next) || isBelow(span, threshold)) return 0;
    if ((--untilNote == 0 && !note(span)) || !move(at, out + 3, size, ITEM)) return 0;
    roots += 1 - <i32>isChild(span);
    spanBytes += size;
    out = writeMarked(out, span, next, mark, markBytes);
    at = next;
  }
  return out;
}

/**
 * Whether a message has a length of as few bytes as it takes, and of as many when all spans in it
 * are marked: they have 131 bytes at least with tag and length, and become longer by 16 at most.
 */
function staysAsWide(size: u32, headBytes: usize): bool {
  const most = size + (size >> 3);
  return size >= 0x80 && fieldBytes(size) == <i32>(headBytes + size) && fieldBytes(most) == <i32>(headBytes + most);
}

/**
 * Notes what is moved from `at` to `out`: so many bytes, with a tag and a length before them unless
 * it is 0; or these alone, if `out` is 0. False: there is no room for it.
 */
function move(at: usize, out: usize, size: u32, tag: u32): bool {
  if (movedAt == scopesEnd) return false;
  store<u64>(movedAt, <u64>at | (<u64>out << 32));
  store<u64>(movedAt, <u64>size | (<u64>tag << 32), 8);
  movedAt += MOVE;
  return true;
}

/** From the last to the first: what is put back lies behind all that was moved before it. */
function undo(): void {
  while (movedAt > scopes + MOVED) {
    movedAt -= MOVE;
    const at = <usize>load<u32>(movedAt);
    const out = <usize>load<u32>(movedAt, 4);
    const size = load<u32>(movedAt, 8);
    const tag = load<u32>(movedAt, 12);
    const headBytes = tag == 0 ? 0 : fieldBytes(size) - size;
    if (out != 0) memory.copy(at + headBytes, out, size);
    if (tag != 0) header(at, tag, size);
  }
}

function note(span: usize): bool {
  const at = notes + ((<usize>noted) << 3);
  if (noted == MOST_NOTED || at == notesEnd) return false;
  const random = randomness(span);
  store<u32>(at, <u32>(random >> 32));
  store<u32>(at, <u32>random, 4);
  store<u32>(told + NOTED_OF + ((<usize>noted) << 2), resource);
  noted++;
  untilNote = 64;
  return true;
}
