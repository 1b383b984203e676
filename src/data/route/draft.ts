import { joinOwned } from "../../core/bytes.ts";
import { emptyList } from "../../core/empty-list.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { Slack } from "../../otlp/slack.ts";
import type { Pieces } from "../queue/parcel.ts";

/**
 * More pieces than this are joined: each piece costs a view here and a write at the target's
 * socket.
 */
const MAX_PIECES = 8;
const FIRST_SELECTED = 64;

/**
 * What one channel of a pool gets of one request, while the request is being walked: the parcel to
 * be. A rule that copies has a draft of its own, since the pool may get the same items by another
 * rule, too. Whole resources are kept as ranges, neighbouring ones as one range; parts of resources
 * come as bytes of their own. Reused from request to request by its one owner.
 */
export class Draft {
  /** Index into RoutePlan.pools. */
  readonly pool: number;
  readonly channel: number;
  /**
   * The rules whose items it holds, and how many things (spans, data points, log records) of each.
   */
  readonly rules: number[] = [];
  readonly pointsOf: number[] = [];
  items = 0;
  points = 0;
  bytes = 0;
  /** Whole resources among what it took. */
  whole = 0;
  /** Items selected of the resource that is being walked: indexes, rising. */
  selected = new Int32Array(FIRST_SELECTED);
  selectedCount = 0;
  selectedPoints = 0;
  /**
   * What it took, in order: ranges of the request, while there is nothing else, and they are
   * few.
   */
  readonly #ranges: number[] = Array.from({ length: 2 * MAX_PIECES }, () => 0);
  #rangeCount = 0;
  #pieces: Uint8Array[] = [];
  /** So many numbers of the envelope's extras were taken. */
  #extras = 0;
  #from = 0;
  #to = 0;
  readonly #slack = new Slack();
  /** The most items that were selected of one resource of this request. */
  #mostSelected = 0;

  constructor(pool: number, channel: number) {
    this.pool = pool;
    this.channel = channel;
  }

  /** Notes that `points` came by this rule. Neighbours mostly come by the same. */
  credit(rule: number, points: number): void {
    const last = this.rules.length - 1;
    const at = last >= 0 && this.rules[last] === rule ? last : this.rules.indexOf(rule);
    if (at >= 0) {
      this.pointsOf[at]! += points;
    } else {
      this.rules.push(rule);
      this.pointsOf.push(points);
    }
  }

  select(item: number, points: number): void {
    if (this.selectedCount === this.selected.length) {
      const wider = new Int32Array(this.selected.length * 2);
      wider.set(this.selected);
      this.selected = wider;
    }
    this.selected[this.selectedCount++] = item;
    this.selectedPoints += points;
  }

  takeWhole(envelope: Envelope, r: number): void {
    const from = envelope.outerStart[r]!;
    const to = envelope.end[r]!;
    if (from !== this.#to) this.#flush(envelope.bytes);
    if (this.#from === this.#to) this.#from = from;
    this.#to = to;
    this.whole++;
    this.items += envelope.items[r]!;
    this.points += envelope.points[r]!;
    this.bytes += to - from;
  }

  takePart(envelope: Envelope, part: Uint8Array, items: number, points: number): void {
    this.#flush(envelope.bytes);
    this.#viewRanges(envelope.bytes);
    this.#pieces.push(part);
    this.items += items;
    this.points += points;
    this.bytes += part.length;
  }

  /** What was selected of a resource has been taken. */
  unselect(): void {
    if (this.selectedCount > this.#mostSelected) this.#mostSelected = this.selectedCount;
    this.selectedCount = this.selectedPoints = 0;
  }

  /** Length of what `finish` will give. */
  parcelBytes(envelope: Envelope): number {
    if (this.whole === envelope.resources) return envelope.bytes.length;
    let bytes = this.bytes;
    for (let i = 0; i < envelope.extras.length; i += 2) bytes += envelope.extras[i + 1]! - envelope.extras[i]!;
    return bytes;
  }

  /** Ends the walk: the pieces of the parcel. The draft is empty afterwards. */
  finish(envelope: Envelope): readonly Uint8Array[] {
    if (this.whole === envelope.resources) return this.#ended([envelope.bytes]);
    this.#takeExtras(envelope);
    this.#viewRanges(envelope.bytes);
    const pieces = this.#pieces;
    this.#pieces = [];
    return this.#ended(pieces.length > MAX_PIECES ? [joinOwned(pieces)] : pieces);
  }

  /**
   * The same as ranges of the request, in an array of just their length; as pieces where there are
   * parts of resources, or more than pieces may be.
   */
  finishRanges(envelope: Envelope): Pieces {
    if (this.whole === envelope.resources) return this.#ended([0, envelope.bytes.length]);
    this.#takeExtras(envelope);
    return this.#pieces.length > 0 ? this.finish(envelope) : this.#ended(this.#ranges.slice(0, 2 * this.#rangeCount));
  }

  /** After a request: lets go of it, and of what only it needed. */
  release(): void {
    this.reset();
    if (this.#slack.gives(this.#mostSelected, this.selected.length)) this.selected = new Int32Array(FIRST_SELECTED);
    this.#mostSelected = 0;
  }

  reset(): void {
    this.items = this.points = this.bytes = this.whole = 0;
    this.selectedCount = this.selectedPoints = 0;
    emptyList(this.rules);
    emptyList(this.pointsOf);
    this.#ended(undefined);
  }

  #ended<T>(pieces: T): T {
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#from = this.#to = this.#rangeCount = this.#extras = 0;
    return pieces;
  }

  /** What the request has beside resources comes last. Once. */
  #takeExtras({ bytes, extras }: Envelope): void {
    this.#flush(bytes);
    for (; this.#extras < extras.length; this.#extras += 2)
      this.#add(bytes, extras[this.#extras]!, extras[this.#extras + 1]!);
  }

  #flush(bytes: Uint8Array): void {
    if (this.#to > this.#from) this.#add(bytes, this.#from, this.#to);
    this.#from = this.#to = 0;
  }

  #add(bytes: Uint8Array, from: number, to: number): void {
    if (this.#pieces.length > 0 || this.#rangeCount === MAX_PIECES) {
      this.#viewRanges(bytes);
      this.#pieces.push(bytes.subarray(from, to));
      return;
    }
    const at = 2 * this.#rangeCount++;
    this.#ranges[at] = from;
    this.#ranges[at + 1] = to;
  }

  /** From here on there are pieces, in the same order. */
  #viewRanges(bytes: Uint8Array): void {
    for (let i = 0; i < this.#rangeCount; i++)
      this.#pieces.push(bytes.subarray(this.#ranges[2 * i], this.#ranges[2 * i + 1]));
    this.#rangeCount = 0;
  }
}
