import { type BytesOwner, OWN_MEMORY } from "../../core/arena/extent.ts";
import type { Signal } from "../../otlp/signal.ts";
import { headerIn, NO_HEADERS, onlyHeaders, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { Batch } from "../export/target-client.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { Delivery } from "./delivery.ts";
import type { QueueRecord } from "./record.ts";
import type { SignalQueue } from "./signal-queue.ts";

export interface GatherLimits {
  readonly parcels: number;
  readonly items: number;
  readonly bytes: number;
}

/**
 * Takes what leaves together, from the front: parcels up to the limits, and always the first one.
 * Where the target is passed on headers of senders, all of them came with the same. `fresh` is
 * false for what need not be sent any more, which it has then finished.
 */
export function gather(
  queue: SignalQueue,
  target: TargetHandle,
  limits: GatherLimits,
  fresh: (delivery: Delivery) => boolean,
): Delivery[] {
  const taken: Delivery[] = [];
  let items = 0;
  let bytes = 0;
  let maxBytes = limits.bytes;
  let room = limits.parcels;
  for (let next = queue.peek(); next !== undefined && room > 0; next = queue.peek()) {
    const { record } = next;
    if (taken.length > 0) {
      if (taken.length + 1 > next.maxTogether || isUnfit(record, target)) break;
      if (!areSame(target.plan.forwardHeaders, taken[0]!.record.headers, record.headers)) break;
      if (items + record.items > limits.items || bytes + record.bytes > Math.min(maxBytes, next.maxBytes)) break;
    }
    queue.shift();
    if (!fresh(next)) continue;
    taken.push(next);
    items += record.items;
    bytes += record.bytes;
    maxBytes = Math.min(maxBytes, next.maxBytes);
    room = Math.min(room - 1, next.maxTogether - taken.length);
  }
  return taken;
}

function areSame(names: readonly string[], a: SenderHeaders, b: SenderHeaders): boolean {
  if (a === b) return true;
  for (const name of names) if (headerIn(a, name) !== headerIn(b, name)) return false;
  return true;
}

function isUnfit({ unreachable, unwilling }: QueueRecord, { key }: TargetHandle): boolean {
  return unreachable.includes(key) || unwilling.includes(key);
}

/**
 * One request out of many: concatenated Export requests are one Export request, so no byte is
 * copied.
 */
export function toBatch(signal: Signal, deliveries: readonly Delivery[], { plan }: TargetHandle): Batch {
  const first = deliveries[0]!;
  const headers =
    plan.forwardHeaders.length === 0 ? NO_HEADERS : onlyHeaders(first.record.headers, plan.forwardHeaders);
  if (deliveries.length === 1) {
    const { pieces, again, record, owner } = first;
    const { bytes, items, points } = record;
    const decisive = isDecisive(first);
    return { signal, pieces, bytes, items, points, headers, decisive, again, ...(owner !== OWN_MEMORY && { owner }) };
  }
  const pieces: Uint8Array[] = [];
  const owners: BytesOwner[] = [];
  let bytes = 0;
  let items = 0;
  let points = 0;
  let again = false;
  for (const delivery of deliveries) {
    const { record } = delivery;
    again ||= delivery.again;
    for (const piece of delivery.pieces) pieces.push(piece);
    if (delivery.owner !== OWN_MEMORY) owners.push(delivery.owner);
    bytes += record.bytes;
    items += record.items;
    points += record.points;
  }
  const owner = owners.length > 0 && { owner: new BatchOwner(owners) };
  return {
    signal,
    pieces,
    bytes,
    items,
    points,
    headers,
    decisive: deliveries[0]!.trial !== undefined,
    again,
    ...owner,
  };
}

/** Several as one. */
class BatchOwner implements BytesOwner {
  readonly #all: readonly BytesOwner[];

  constructor(all: readonly BytesOwner[]) {
    this.#all = all;
  }

  retain(): void {
    for (const owner of this.#all) owner.retain();
  }

  release(): void {
    for (const owner of this.#all) owner.release();
  }
}

function isDecisive({ trial, indivisible, record }: Delivery): boolean {
  return trial !== undefined || indivisible || (record.items < 2 && record.points < 2);
}
