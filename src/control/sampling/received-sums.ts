import { octaveOf } from "../../plan/sampling/received-counts.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";

/** Rows that can be told from each other only by how much they are, added up. */
export class ReceivedSums {
  readonly #rows = new Map<string, ReceivedRow>();

  add(rows: Iterable<ReceivedRow>, weight = 1): this {
    for (const row of rows) {
      const key = keyOf(row);
      const before = this.#rows.get(key);
      this.#rows.set(key, before === undefined ? weighed(row, weight) : together(before, weighed(row, weight)));
    }
    return this;
  }

  get rows(): readonly ReceivedRow[] {
    return [...this.#rows.values()];
  }
}

/**
 * No more than so many rows, of each signal and class the largest one first: each of the others,
 * the smallest, goes with that. Their items are as many together, and so are what they stand for.
 */
export function fewerRows(rows: readonly ReceivedRow[], most: number): readonly ReceivedRow[] {
  if (rows.length <= most) return rows;
  const sorted = rows.toSorted((a, b) => b.items - a.items);
  const largest = new Map(sorted.toReversed().map((row) => [classKeyOf(row), row]));
  const first = new Set(largest.values());
  const others = sorted.filter((row) => !first.has(row));
  const room = Math.max(0, most - largest.size);
  for (const row of others.slice(room)) {
    const key = classKeyOf(row);
    largest.set(key, together(largest.get(key)!, row));
  }
  return [...largest.values(), ...others.slice(0, room)].slice(0, most);
}

/** What has no randomness is charged otherwise. */
function classKeyOf({ signal, class: name, region, arrival }: ReceivedRow): string {
  return `${signal} ${arrival === undefined ? "" : "sampled"} ${region} ${name}`;
}

export function itemsOf(rows: Iterable<ReceivedRow>): number {
  let items = 0;
  for (const row of rows) items += row.items;
  return items;
}

function keyOf({ signal, class: name, region, arrival }: ReceivedRow): string {
  return `${signal} ${arrival === undefined ? "" : octaveOf(arrival)} ${region} ${name}`;
}

function weighed(row: ReceivedRow, weight: number): ReceivedRow {
  if (weight === 1) return row;
  return { ...row, items: row.items * weight, bytes: row.bytes * weight, traces: row.traces * weight };
}

function together(a: ReceivedRow, b: ReceivedRow): ReceivedRow {
  const items = a.items + b.items;
  return {
    ...a,
    arrival: a.arrival === undefined || b.arrival === undefined ? undefined : arrivalOf(a, b, a.arrival, b.arrival),
    items,
    bytes: a.bytes + b.bytes,
    traces: a.traces + b.traces,
    copies: items > 0 ? ((a.copies ?? 1) * a.items + (b.copies ?? 1) * b.items) / items : (a.copies ?? 1),
  };
}

/** Items over adjusted counts. */
function arrivalOf(a: ReceivedRow, b: ReceivedRow, aArrival: number, bArrival: number): number {
  const items = a.items + b.items;
  return items > 0 ? items / (a.items / aArrival + b.items / bArrival) : aArrival;
}
