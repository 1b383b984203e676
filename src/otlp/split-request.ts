import { joinOwned, lengthOf } from "../core/bytes.ts";
import { splitMetric, headerOf, leastPayload } from "./split-metric.ts";
import { indexItems, ItemIndex } from "./items.ts";
import { Envelope, scanEnvelope } from "./scan.ts";
import type { Signal } from "./signal.ts";
import { pointsOf, sliceResource } from "./slice.ts";

/** What a part of a request may be. */
export interface SplitLimits {
  readonly bytes: number;
  readonly items: number;
}

/** A part of a request, which is a request of its own. */
export interface RequestPart {
  /** Owned. */
  readonly bytes: Uint8Array;
  readonly items: number;
  /** What partial_success counts. */
  readonly points: number;
}

/**
 * Cuts a request into parts within the limits, in order: between items, and a metric that is too
 * large alone between its data points. What cannot be cut is a part by itself, however large. Parts
 * carry what surrounds their items, so where that is large they are larger than they may be
 * (`leastPayload`). One part comes where it fits and the whole does not, because lengths that took
 * more bytes than they need are written anew. Undefined when cutting is of no use, or the request
 * is malformed.
 */
export function splitRequest(
  signal: Signal,
  bytes: Uint8Array,
  limits: SplitLimits,
): readonly RequestPart[] | undefined {
  const envelope = new Envelope();
  if (!scanEnvelope(signal, bytes, envelope)) return undefined;
  const parts = new RequestParts(envelope, limits);
  for (let r = 0; r < envelope.resources; r++) {
    const size = envelope.end[r]! - envelope.outerStart[r]!;
    const items = envelope.items[r]!;
    if (!parts.fits(size, items)) parts.close();
    if (items === 0 || parts.fits(size, items)) {
      parts.add([bytes.subarray(envelope.outerStart[r], envelope.end[r])], size, items, envelope.points[r]!);
    } else {
      divide(signal, envelope, r, parts);
    }
  }
  const done = parts.finish();
  const isSmaller = bytes.length > limits.bytes && done.length === 1 && done[0]!.bytes.length <= limits.bytes;
  return done.length > 1 || isSmaller ? done : undefined;
}

/** The part that is being filled, and those before it. */
class RequestParts {
  readonly #limits: SplitLimits;
  /** Goes along with every part: unknown fields of the request. */
  readonly #extras: Uint8Array[] = [];
  readonly #done: RequestPart[] = [];
  readonly #extraBytes: number;
  #pieces: Uint8Array[] = [];
  #bytes: number;
  #items = 0;
  #points = 0;

  constructor({ bytes, extras }: Envelope, limits: SplitLimits) {
    this.#limits = limits;
    for (let i = 0; i < extras.length; i += 2) this.#extras.push(bytes.subarray(extras[i], extras[i + 1]));
    this.#extraBytes = this.#extras.reduce((sum, extra) => sum + extra.length, 0);
    this.#bytes = this.#extraBytes;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Bytes that fit into an empty part. */
  get room(): number {
    return this.#limits.bytes - this.#extraBytes;
  }

  fits(bytes: number, items: number): boolean {
    return this.#bytes + bytes <= this.#limits.bytes && this.#items + items <= this.#limits.items;
  }

  add(pieces: readonly Uint8Array[], bytes: number, items: number, points: number): void {
    for (const piece of pieces) this.#pieces.push(piece);
    this.#bytes += bytes;
    this.#items += items;
    this.#points += points;
  }

  close(): void {
    if (this.isEmpty) return;
    const bytes = joinOwned([...this.#pieces, ...this.#extras], this.#bytes);
    this.#done.push({ bytes, items: this.#items, points: this.#points });
    this.#pieces = [];
    this.#bytes = this.#extraBytes;
    this.#items = 0;
    this.#points = 0;
  }

  finish(): readonly RequestPart[] {
    this.close();
    return this.#done;
  }
}

/** Of a resource that fits into no part. */
function divide(signal: Signal, envelope: Envelope, r: number, parts: RequestParts): void {
  const index = new ItemIndex();
  indexItems(envelope.bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
  const all = Int32Array.from({ length: index.items }, (_, i) => i);
  const whole = envelope.end[r]! - envelope.outerStart[r]!;
  let around = whole;
  for (const i of all) around -= itemBytes(index, i);
  const least = leastPayload(whole, around);
  for (let i = 0; i < index.items; ) {
    const first = i;
    let payload = 0;
    while (i < index.items) {
      const item = itemBytes(index, i);
      const enough = i > first && Math.max(payload, item) >= least;
      if (enough && !parts.fits(around + payload + item, i - first + 1)) break;
      payload += item;
      i++;
    }
    const piece = sliceResource(envelope, r, index, all.subarray(first, i), i - first);
    if (i - first > 1 || signal !== "metrics" || !splitOneMetric(piece, parts)) {
      let points = 0;
      for (let at = first; at < i; at++) points += pointsOf(signal, envelope.bytes, index, at);
      parts.add([piece], piece.length, i - first, points);
    }
    if (i < index.items) parts.close();
  }
}

function itemBytes(index: ItemIndex, i: number): number {
  return index.end[i]! - index.outerStart[i]!;
}

const RESOURCE_X = 0x0a;
const SCOPE_X = 0x12;
const ITEM = 0x12;

/**
 * Cuts a resource_x field that holds one metric by data points. False when it fits as it is, or
 * cannot be cut.
 */
function splitOneMetric(field: Uint8Array, parts: RequestParts): boolean {
  if (parts.fits(field.length, 1)) return false;
  const envelope = new Envelope();
  if (!scanEnvelope("metrics", field, envelope)) return false;
  const [bodyStart, end] = [envelope.bodyStart[0]!, envelope.end[0]!];
  const index = new ItemIndex();
  indexItems(field, bodyStart, end, index);
  const [metricStart, metricEnd] = [index.bodyStart[0]!, index.end[0]!];
  const metrics = splitMetric(field, metricStart, metricEnd, parts.room - (field.length - (metricEnd - metricStart)));
  if (metrics === undefined) return false;
  const scope = index.scopeOf[0]!;
  const view = (from: number, to: number): Uint8Array => field.subarray(from, to);
  const beforeItem = view(index.scopeBodyStart[scope]!, index.outerStart[0]!);
  const afterItem = view(metricEnd, index.scopeEnd[scope]!);
  const beforeScope = view(bodyStart, index.scopeOuterStart[scope]!);
  const afterScope = view(index.scopeEnd[scope]!, end);
  for (const { pieces, points } of metrics) {
    const inScope = message(SCOPE_X, [beforeItem, ...message(ITEM, pieces), afterItem]);
    const resource = message(RESOURCE_X, [beforeScope, ...inScope, afterScope]);
    parts.close();
    parts.add(resource, lengthOf(resource), 1, points);
  }
  return true;
}

/** A field that is a message of these pieces. */
function message(tag: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  return [headerOf(tag, lengthOf(pieces)), ...pieces];
}
