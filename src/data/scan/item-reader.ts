import { ItemFields } from "../../otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../../otlp/items.ts";
import type { KeySet } from "../../otlp/key-set.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { Signal } from "../../otlp/signal.ts";
import { pointsOf } from "../../otlp/slice.ts";

const NO_ITEM = new Uint8Array(0);

/** Reads the items of one resource after the other, in the same two objects each time. */
export class ItemReader {
  /** Where the items of the resource are. */
  readonly index = new ItemIndex();
  /** What was read of the last item: borrowed from its request. */
  readonly fields = new ItemFields();
  readonly #signal: Signal;
  #bytes: Uint8Array = NO_ITEM;

  constructor(signal: Signal) {
    this.#signal = signal;
  }

  /** Finds the items of a resource of a well-formed request. */
  open({ bytes, bodyStart, end }: Envelope, resource: number): void {
    this.#bytes = bytes;
    indexItems(bytes, bodyStart[resource]!, end[resource]!, this.index);
  }

  /** Reads one of them, as far as rules ask. False when it is malformed. */
  read(item: number, keys: KeySet | undefined): boolean {
    const { index, fields } = this;
    if (!fields.read(this.#signal, this.#bytes, index.bodyStart[item]!, index.end[item]!, keys)) return false;
    fields.scopeNameStart = index.nameStart[index.scopeOf[item]!]!;
    fields.scopeNameEnd = index.nameEnd[index.scopeOf[item]!]!;
    return true;
  }

  /** As an item that has nothing. */
  readNothing(keys: KeySet | undefined): void {
    this.fields.read(this.#signal, NO_ITEM, 0, 0, keys);
    this.fields.scopeNameStart = this.fields.scopeNameEnd = 0;
  }

  pointsOf(item: number): number {
    return pointsOf(this.#signal, this.#bytes, this.index, item);
  }

  /** Lets go of the request. */
  release(): void {
    this.#bytes = NO_ITEM;
    this.index.release();
    this.fields.release();
  }
}
