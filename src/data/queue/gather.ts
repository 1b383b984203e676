import { type BytesOwner, OWN_MEMORY } from "../../core/arena/extent.ts";
import type { Signal } from "../../otlp/signal.ts";
import { headerIn, NO_HEADERS, onlyHeaders, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { Batch } from "../export/target-client.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { Delivery } from "./delivery.ts";
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
    const { parcel } = next;
    if (taken.length > 0) {
      if (taken.length + 1 > next.maxTogether || isUnfit(next, target)) break;
      if (!areSame(target.plan.forwardHeaders, taken[0]!.parcel.headers, parcel.headers)) break;
      if (items + parcel.items > limits.items || bytes + parcel.bytes > Math.min(maxBytes, next.maxBytes)) break;
    }
    queue.shift();
    if (!fresh(next)) continue;
    taken.push(next);
    items += parcel.items;
    bytes += parcel.bytes;
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

function isUnfit({ unreachable, unwilling }: Delivery, target: TargetHandle): boolean {
  return unreachable?.includes(target) === true || unwilling?.includes(target) === true;
}

/**
 * One request out of many: concatenated Export requests are one Export request, so no byte is
 * copied.
 */
export function toBatch(signal: Signal, deliveries: readonly Delivery[], { plan }: TargetHandle): Batch {
  const first = deliveries[0]!.parcel;
  const headers = plan.forwardHeaders.length === 0 ? NO_HEADERS : onlyHeaders(first.headers, plan.forwardHeaders);
  if (deliveries.length === 1) {
    const { pieces, bytes, items, points, owner } = first;
    const { again } = deliveries[0]!;
    const decisive = isDecisive(deliveries[0]!);
    return { signal, pieces, bytes, items, points, headers, decisive, again, ...(owner !== OWN_MEMORY && { owner }) };
  }
  const pieces: Uint8Array[] = [];
  const owners: BytesOwner[] = [];
  let bytes = 0;
  let items = 0;
  let points = 0;
  let again = false;
  for (const delivery of deliveries) {
    const { parcel } = delivery;
    again ||= delivery.again;
    for (const piece of parcel.pieces) pieces.push(piece);
    if (parcel.owner !== OWN_MEMORY) owners.push(parcel.owner);
    bytes += parcel.bytes;
    items += parcel.items;
    points += parcel.points;
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

function isDecisive({ trial, indivisible, parcel }: Delivery): boolean {
  return trial !== undefined || indivisible || (parcel.items < 2 && parcel.points < 2);
}
