import { joinOwned } from "../../core/bytes.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { Slack } from "../../otlp/slack.ts";

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
  #pieces: Uint8Array[] = [];
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
    const pieces = this.whole === envelope.resources ? [envelope.bytes] : this.#partial(envelope);
    this.#pieces = [];
    this.#from = this.#to = 0;
    return pieces;
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
    this.rules.length = this.pointsOf.length = 0;
    this.#pieces = [];
    this.#from = this.#to = 0;
  }

  #partial(envelope: Envelope): readonly Uint8Array[] {
    this.#flush(envelope.bytes);
    for (let i = 0; i < envelope.extras.length; i += 2) {
      this.#pieces.push(envelope.bytes.subarray(envelope.extras[i], envelope.extras[i + 1]));
    }
    return this.#pieces.length > MAX_PIECES ? [joinOwned(this.#pieces)] : this.#pieces;
  }

  #flush(bytes: Uint8Array): void {
    if (this.#to > this.#from) this.#pieces.push(bytes.subarray(this.#from, this.#to));
    this.#from = this.#to = 0;
  }
}
