import { findMalformed } from "./check.ts";
import { indexItems, ItemIndex } from "./items.ts";
import { Envelope, scanEnvelope } from "./scan.ts";
import { type Signal, SIGNALS } from "./signal.ts";
import { Cursor, readTag, skipValue } from "./wire.ts";

/**
 * Tags that encoders write into nearly every item of a signal, and never into one of another: times
 * of spans (7, 8) and of log records (1, 11) as fixed64, severity (2) as a varint.
 */
const TELLING: Readonly<Record<Signal, readonly number[]>> = {
  traces: [0x39, 0x41],
  logs: [0x09, 0x59, 0x10],
  metrics: [],
};

/**
 * The signal of an export request in protobuf, which does not say so; undefined when it could be
 * several, or none.
 */
export function guessSignal(bytes: Uint8Array): Signal | undefined {
  const fitting = SIGNALS.filter((signal) => findMalformed(signal, bytes) < 0);
  if (fitting.length <= 1) return fitting[0];
  const tags = tagsOfFirstItem(bytes);
  const told = fitting.filter((signal) => TELLING[signal].some((tag) => tags.has(tag)));
  if (told.length > 0) return told.length === 1 ? told[0] : undefined;
  return fitting.includes("metrics") && tags.has(NAME) && METRIC_DATA.some((tag) => tags.has(tag))
    ? "metrics"
    : undefined;
}

const NAME = 0x0a;
const METRIC_DATA = [0x2a, 0x3a, 0x4a, 0x52, 0x5a];

/** The envelope is the same for all signals. */
function tagsOfFirstItem(bytes: Uint8Array): Set<number> {
  const tags = new Set<number>();
  const envelope = new Envelope();
  if (!scanEnvelope("traces", bytes, envelope)) return tags;
  const r = Array.from({ length: envelope.resources }, (_, i) => i).find((i) => envelope.items[i]! > 0);
  if (r === undefined) return tags;
  const index = new ItemIndex();
  indexItems(bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
  const c = new Cursor(bytes, index.bodyStart[0]!, index.end[0]!);
  while (c.at < c.end) {
    const tag = readTag(c);
    if (tag < 0 || !skipValue(c, tag)) break;
    tags.add(tag);
  }
  return tags;
}
