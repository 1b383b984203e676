import type { Signal } from "../otlp/signal.ts";
import { FieldCursor } from "./field-cursor.ts";
import { Places } from "./places.ts";
import { sequenceTextAt, visitItems } from "./read-back.ts";

/** Finds ids and times in a protobuf request that `encodeProtobuf` made. */
export function locateProtobuf(signal: Signal, bytes: Uint8Array): Places {
  const places = new Places();
  visitItems(bytes, (all, start, end) => {
    if (signal === "metrics") locateMetric(places, all, start, end, places.items);
    else locateItem(places, signal, all, start, end, places.items);
    places.items++;
  });
  return places;
}

const field = new FieldCursor();
const group = new FieldCursor();
const point = new FieldCursor();

/** Fields of ids and times, by signal; 0: it has none. */
const ITEM_FIELDS = {
  traces: { trace: 1, own: 2, parent: 4, times: [7, 8] },
  logs: { trace: 9, own: 10, parent: 0, times: [1, 11] },
} as const;

function locateItem(
  places: Places,
  signal: "traces" | "logs",
  bytes: Uint8Array,
  start: number,
  end: number,
  item: number,
): void {
  const fields = ITEM_FIELDS[signal];
  field.open(bytes, start, end);
  while (field.next()) {
    const at = field.start;
    if (field.wire === 1 && (field.field === fields.times[0] || field.field === fields.times[1])) {
      places.time(at, bigAt(bytes, at));
    } else if (field.wire === 2 && field.field === fields.trace) {
      places.trace(at, hexOf(bytes, at, field.end), item);
    } else if (field.wire === 2 && field.field === fields.own) {
      places.own(at, hexOf(bytes, at, field.end), item);
    } else if (field.wire === 2 && field.field === fields.parent) {
      places.parent(at, hexOf(bytes, at, field.end));
    }
  }
}

function locateMetric(places: Places, bytes: Uint8Array, start: number, end: number, item: number): void {
  const sequenceAt = sequenceTextAt(bytes, start, end);
  if (sequenceAt !== undefined) places.own(sequenceAt, "", item);
  field.open(bytes, start, end);
  while (field.next()) {
    if (field.wire !== 2 || field.field < 5 || field.field > 11) continue;
    group.open(bytes, field.start, field.end);
    while (group.next()) {
      if (group.field !== 1 || group.wire !== 2) continue;
      point.open(bytes, group.start, group.end);
      while (point.next()) {
        if (point.wire === 1 && (point.field === 2 || point.field === 3)) {
          places.time(point.start, bigAt(bytes, point.start));
        }
      }
    }
  }
}

function bigAt(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true);
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString("hex");
}
