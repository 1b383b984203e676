import { type BytesOwner, OWN_MEMORY } from "../../core/arena/extent.ts";
import type { Signal } from "../../otlp/signal.ts";
import { hopsIn, pathThrough } from "../../plan/hops.ts";
import { headerIn, NO_HEADERS, onlyHeaders, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { Batch } from "../export/target-client.ts";
import type { MembersPlan } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { type Delivery, expiryOf } from "./delivery.ts";
import type { LaneHold } from "./lane-hold.ts";
import { viewsOf } from "./parcel.ts";
import { isUnread, type QueueRecord } from "./record.ts";
import type { ReadChoice, ReadLimits, StorePartition } from "./queue-store.ts";
import { isIndivisible } from "./too-large.ts";

/**
 * Takes what leaves together, from the front: parcels up to the limits, and always the first one,
 * which need be sent at `nowMs`. Where the target is passed on headers of senders, all of them came
 * with the same. What need not be sent any more is ended.
 */
export function gather(
  hold: Pick<LaneHold, "store" | "maxAgeMs" | "records" | "fresh">,
  queue: StorePartition,
  target: TargetHandle,
  limits: ReadLimits,
  nowMs: number,
): Delivery[] {
  const choice = new BatchChoice(hold, target, limits, nowMs);
  const taken = hold.store.read(queue, limits, choice);
  choice.endStale();
  return taken;
}

/** What of a partition goes along in one batch. */
class BatchChoice implements ReadChoice {
  readonly #hold: Pick<LaneHold, "maxAgeMs" | "records" | "fresh">;
  readonly #target: TargetHandle;
  readonly #nowMs: number;
  #maxBytes: number;
  #room: number;
  #bytes = 0;
  #count = 0;
  #first: QueueRecord | undefined;
  #stale: Delivery[] | undefined;

  constructor(
    hold: Pick<LaneHold, "maxAgeMs" | "records" | "fresh">,
    target: TargetHandle,
    limits: ReadLimits,
    nowMs: number,
  ) {
    this.#hold = hold;
    this.#target = target;
    this.#nowMs = nowMs;
    this.#maxBytes = limits.bytes;
    this.#room = limits.records;
  }

  of(next: Delivery): "take" | "stop" | "out" {
    const { record } = next;
    if (this.#room <= 0 || (this.#first !== undefined && !this.#goesAlong(next, this.#first))) return "stop";
    const { maxAgeMs, records } = this.#hold;
    if (expiryOf(next, this.#nowMs, maxAgeMs, records) !== undefined) {
      (this.#stale ??= []).push(next);
      return "out";
    }
    this.#first ??= record;
    this.#count++;
    this.#bytes += record.bytes;
    this.#maxBytes = Math.min(this.#maxBytes, next.maxBytes);
    this.#room = Math.min(this.#room - 1, next.maxTogether - this.#count);
    return "take";
  }

  /** They are not in the store any more by then. */
  endStale(): void {
    if (this.#stale === undefined) return;
    for (const delivery of this.#stale) this.#hold.fresh(delivery, this.#nowMs);
  }

  #goesAlong(next: Delivery, first: QueueRecord): boolean {
    const { record, maxTogether, maxBytes } = next;
    if (this.#count + 1 > maxTogether || isUnfit(record, this.#target)) return false;
    if (isUnread(record) || isUnread(first)) return false;
    if (this.#bytes + record.bytes > Math.min(this.#maxBytes, maxBytes)) return false;
    return goTogether(this.#target.plan, first.headers, record.headers);
  }
}

/** One count of links is sent with a batch: what goes in a circle takes nothing else along. */
function goTogether({ forwardHeaders, members }: TargetPlan, a: SenderHeaders, b: SenderHeaders): boolean {
  if (a === b) return true;
  for (const name of forwardHeaders) if (headerIn(a, name) !== headerIn(b, name)) return false;
  return members === undefined || hopsIn(a) === hopsIn(b);
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
  const link = plan.members === undefined ? NO_LINK : linkOf(deliveries, plan.members);
  if (deliveries.length === 1) {
    const { again, record, owner } = first;
    const pieces = viewsOf(first);
    const { bytes, encoding, items, points } = record;
    const decisive = isDecisive(first);
    return { signal, pieces, owner: ownerOf(owner), bytes, encoding, items, points, headers, ...link, decisive, again };
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
    for (const piece of viewsOf(delivery)) pieces.push(piece);
    if (delivery.owner !== OWN_MEMORY) owners.push(delivery.owner);
    bytes += record.bytes;
    items += record.items;
    points += record.points;
  }
  const owner = owners.length > 0 ? new BatchOwner(owners) : undefined;
  const decisive = deliveries[0]!.trial !== undefined;
  const { encoding } = first.record;
  return { signal, pieces, owner, bytes, encoding, items, points, headers, ...link, decisive, again };
}

/** What all of a batch has come over when it is there. */
type BatchLink = Pick<Batch, "hops" | "path">;

const NO_LINK: BatchLink = { hops: 0 };

function linkOf(deliveries: readonly Delivery[], { node }: MembersPlan): BatchLink {
  const all = deliveries.map(({ record }) => record.headers);
  return { hops: hopsIn(all[0]!) + 1, path: pathThrough(all, node) };
}

/** All batches are of one shape: what comes after them is compiled for that. */
function ownerOf(owner: BytesOwner): BytesOwner | undefined {
  return owner === OWN_MEMORY ? undefined : owner;
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

function isDecisive(delivery: Delivery): boolean {
  return delivery.trial !== undefined || isIndivisible(delivery);
}
