import { type Seen, seeValue } from "../otlp/any-value.ts";
import { anyDataPointAttribute } from "../otlp/data-point.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { Signal } from "../otlp/signal.ts";

/** A key of `consistent_hash` as an unsigned 32-bit number. Pure, and the same on every node. */
export type ItemHash = (item: ItemFields) => number;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const TRACE_ID_BYTES = 16;
/** So many bytes tell log records apart: their times come first. */
const RECORD_BYTES = 32;

/** FNV-1a over [start, end), finished as MurmurHash3 is: FNV's low bits alone are weakly mixed. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Of an attribute's text; what is missing is like an empty text, and so are values that rules
 * cannot compare.
 */
export function hashSeen(seen: Seen | undefined): number {
  const bytes = Buffer.from(seen === undefined ? "" : textOf(seen), "utf8");
  return hashBytes(bytes, 0, bytes.length);
}

function textOf(seen: Seen): string {
  if (typeof seen === "object") return seen.map(textOf).join();
  return typeof seen === "symbol" ? "" : String(seen);
}

/**
 * By trace; what belongs to no trace is spread: metrics by their name, log records by what they
 * begin with.
 */
export function traceHash(signal: Signal): ItemHash {
  if (signal === "metrics") return (item) => hashBytes(item.bytes, item.nameStart, item.nameEnd);
  return (item) => {
    const { bytes, traceStart, traceEnd } = item;
    if (traceEnd - traceStart === TRACE_ID_BYTES || signal === "traces") return hashBytes(bytes, traceStart, traceEnd);
    return hashBytes(bytes, item.start, Math.min(item.end, item.start + RECORD_BYTES));
  };
}

/** By an attribute of the item whose slot in the key set is this. */
export function slotHash(slot: number): ItemHash {
  return (item) => {
    if (!item.has(slot)) return NO_KEY;
    return hashValue(item.slotBytes(slot), item.slotStart(slot), item.slotEnd(slot));
  };
}

/** By an attribute of a metric's data points: of the first one that has it. */
export function dataPointHash(key: string): ItemHash {
  const name = Buffer.from(key, "utf8");
  return (item) => {
    let hash = NO_KEY;
    anyDataPointAttribute(item.bytes, item.start, item.end, name, (bytes, start, end) => {
      hash = hashValue(bytes, start, end);
      return true;
    });
    return hash;
  };
}

const NO_KEY = hashBytes(new Uint8Array(0), 0, 0);
const STRING_VALUE = 0x0a;

/** Of the AnyValue in [start, end), by its text, so that it does not matter how it was encoded. */
function hashValue(bytes: Uint8Array, start: number, end: number): number {
  const plain = bytes[start] === STRING_VALUE && bytes[start + 1] === end - start - 2 && bytes[start + 1]! < 0x80;
  return plain ? hashBytes(bytes, start + 2, end) : hashSeen(seeValue(bytes, start, end));
}
