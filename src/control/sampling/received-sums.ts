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
