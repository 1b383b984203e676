import { allocOwned } from "../core/bytes.ts";
import { indexItems, ItemIndex } from "./items.ts";
import { RangeWriter } from "./range-writer.ts";
import type { Envelope } from "./scan.ts";
import { Slack } from "./slack.ts";
import { varintBytes } from "./wire.ts";

const [RESOURCE_X, SCOPE_X, ITEM] = [0x0a, 0x12, 0x12] as const;
/** What becomes of an item. */
const [DROPPED, KEPT, CHANGED] = [0, 1, 2] as const;
/** What becomes of a resource. */
const [WHOLE, NOTHING, PART] = [0, 1, 2] as const;
const FIRST = 256;
const FIRST_ADDED = 1_024;

/**
 * Which items of a request stay, and what is changed in some of them: bytes cut out of one, and
 * others added at its end. Writes the request that is left of it. Resources are told of in order,
 * and items of a resource in order. One instance is used for all requests.
 */
export class KeptItems {
  /** What is added to items: `added` up to `addedEnd`. Grows by `room`. */
  added: Uint8Array = allocOwned(FIRST_ADDED);
  addedEnd = 0;
  kept = 0;
  changed = 0;
  #items = 0;
  #resources = 0;
  #bytes = 0;
  #fate = new Uint8Array(FIRST);
  #addStart = new Int32Array(FIRST);
  #addEnd = new Int32Array(FIRST);
  #cutStart = new Int32Array(FIRST);
  #cutEnd = new Int32Array(FIRST);
  #scopes = 0;
  /** Of each scope what is in it afterwards; -1: it is left out. */
  #scopeBytes = new Int32Array(FIRST);
  #resourceFate = new Uint8Array(FIRST);
  #resourceBytes = new Int32Array(FIRST);
  readonly #again = new ItemIndex();
  readonly #slack = new Slack();

  begin({ totalItems, totalScopes, resources }: Envelope): void {
    this.addedEnd = this.kept = this.changed = 0;
    this.#items = this.#scopes = this.#resources = this.#bytes = 0;
    if (totalItems > this.#fate.length) this.#resizeItems(totalItems);
    if (totalScopes > this.#scopeBytes.length) this.#scopeBytes = new Int32Array(2 * totalScopes);
    if (resources <= this.#resourceFate.length) return;
    this.#resourceFate = new Uint8Array(2 * resources);
    this.#resourceBytes = new Int32Array(2 * resources);
  }

  /** Makes room for so many bytes behind `addedEnd`. */
  room(bytes: number): void {
    if (this.addedEnd + bytes <= this.added.length) return;
    const wider = allocOwned(2 * (this.addedEnd + bytes));
    wider.set(this.added);
    this.added = wider;
  }

  takeWhole({ outerStart, end, items }: Envelope, r: number): void {
    this.kept += items[r]!;
    this.#resourceFate[this.#resources++] = WHOLE;
    this.#bytes += end[r]! - outerStart[r]!;
  }

  dropWhole(): void {
    this.#resourceFate[this.#resources++] = NOTHING;
  }

  drop(): void {
    this.#fate[this.#items++] = DROPPED;
  }

  keep(): void {
    this.#fate[this.#items++] = KEPT;
    this.kept++;
  }

  /** Keeps it with [addStart, addEnd) of `added` at its end, and without [cutStart, cutEnd). */
  change(addStart: number, addEnd: number, cutStart: number, cutEnd: number): void {
    const i = this.#items++;
    this.#fate[i] = CHANGED;
    this.#addStart[i] = addStart;
    this.#addEnd[i] = addEnd;
    this.#cutStart[i] = cutStart;
    this.#cutEnd[i] = cutEnd;
    this.kept++;
    this.changed++;
  }

  /** All items of a resource have been told of, of which `index` is. */
  endResource(envelope: Envelope, r: number, index: ItemIndex): void {
    const first = this.#items - index.items;
    let kept = 0;
    let same = 0;
    for (let i = first; i < this.#items; i++) {
      if (this.#fate[i] !== DROPPED) kept++;
      if (this.#fate[i] === KEPT) same++;
    }
    if (same === index.items) {
      this.kept -= same;
      this.#items = first;
      return this.takeWhole(envelope, r);
    }
    if (kept > 0) return this.#takePart(envelope, r, index, first);
    this.#items = first;
    this.dropWhole();
  }

  /** Length of the request that is left. */
  lengthOf({ extras }: Envelope): number {
    let length = this.#bytes;
    for (let i = 0; i < extras.length; i += 2) length += extras[i + 1]! - extras[i]!;
    return length;
  }

  /** Writes the request that is left into bytes of its length. */
  write(envelope: Envelope, out: Uint8Array): void {
    const { bytes, extras } = envelope;
    const writer = new RangeWriter(bytes, out, 0);
    this.#items = this.#scopes = 0;
    for (let r = 0; r < envelope.resources; r++) {
      if (this.#resourceFate[r] === WHOLE) writer.copy(envelope.outerStart[r]!, envelope.end[r]!);
      else if (this.#resourceFate[r] === PART) this.#writePart(writer, envelope, r);
    }
    for (let i = 0; i < extras.length; i += 2) writer.copy(extras[i]!, extras[i + 1]!);
    writer.flush();
  }

  /** Lets go of the request, and of arrays that only it needed as long as they are. */
  release(): void {
    this.#again.release();
    if (this.added.length > 64 * FIRST_ADDED) this.added = allocOwned(FIRST_ADDED);
    if (this.#slack.gives(this.#items, this.#fate.length)) this.#resizeItems(FIRST);
  }

  #resizeItems(items: number): void {
    this.#fate = new Uint8Array(items);
    this.#addStart = new Int32Array(items);
    this.#addEnd = new Int32Array(items);
    this.#cutStart = new Int32Array(items);
    this.#cutEnd = new Int32Array(items);
  }

  #takePart(envelope: Envelope, r: number, index: ItemIndex, first: number): void {
    let bytes = envelope.end[r]! - envelope.bodyStart[r]!;
    for (let scope = 0; scope < index.scopes; scope++) {
      bytes -= index.scopeEnd[scope]! - index.scopeOuterStart[scope]!;
      const inner = this.#measureScope(index, scope, first);
      this.#scopeBytes[this.#scopes++] = inner;
      if (inner >= 0) bytes += 1 + varintBytes(inner) + inner;
    }
    this.#resourceFate[this.#resources] = PART;
    this.#resourceBytes[this.#resources++] = bytes;
    this.#bytes += 1 + varintBytes(bytes) + bytes;
  }

  /** A scope that never had items goes along, as where requests are cut (slice.ts). */
  #measureScope(index: ItemIndex, scope: number, first: number): number {
    let inner = index.scopeEnd[scope]! - index.scopeBodyStart[scope]!;
    const [from, to] = [index.scopeFirst[scope]!, index.scopeFirst[scope + 1]!];
    let kept = 0;
    for (let i = from; i < to; i++) {
      const fate = this.#fate[first + i];
      if (fate !== DROPPED) kept++;
      if (fate === KEPT) continue;
      inner -= index.end[i]! - index.outerStart[i]!;
      if (fate === DROPPED) continue;
      const body = this.#bodyBytes(index, i, first);
      inner += 1 + varintBytes(body) + body;
    }
    return kept === 0 && to > from ? -1 : inner;
  }

  #bodyBytes(index: ItemIndex, i: number, first: number): number {
    const at = first + i;
    const cut = this.#cutEnd[at]! - this.#cutStart[at]!;
    return index.end[i]! - index.bodyStart[i]! - cut + this.#addEnd[at]! - this.#addStart[at]!;
  }

  #writePart(writer: RangeWriter, envelope: Envelope, r: number): void {
    const index = this.#again;
    indexItems(envelope.bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
    writer.header(RESOURCE_X, this.#resourceBytes[r]!);
    let from = envelope.bodyStart[r]!;
    for (let scope = 0; scope < index.scopes; scope++) {
      writer.copy(from, index.scopeOuterStart[scope]!);
      from = index.scopeEnd[scope]!;
      const inner = this.#scopeBytes[this.#scopes++]!;
      if (inner >= 0) this.#writeScope(writer, index, scope, inner);
    }
    writer.copy(from, envelope.end[r]!);
    this.#items += index.items;
  }

  #writeScope(writer: RangeWriter, index: ItemIndex, scope: number, inner: number): void {
    writer.header(SCOPE_X, inner);
    let from = index.scopeBodyStart[scope]!;
    for (let i = index.scopeFirst[scope]!; i < index.scopeFirst[scope + 1]!; i++) {
      const at = this.#items + i;
      if (this.#fate[at] === KEPT) continue;
      writer.copy(from, index.outerStart[i]!);
      from = index.end[i]!;
      if (this.#fate[at] === DROPPED) continue;
      writer.header(ITEM, this.#bodyBytes(index, i, this.#items));
      writer.copy(index.bodyStart[i]!, this.#cutStart[at]!);
      writer.copy(this.#cutEnd[at]!, from);
      writer.insert(this.added, this.#addStart[at]!, this.#addEnd[at]!);
    }
    writer.copy(from, index.scopeEnd[scope]!);
  }
}
