import { type ChannelChoice, caseOf } from "../../plan/channel-choice.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { ItemFields } from "../../otlp/item-fields.ts";
import { Unreachable } from "../../core/unreachable.ts";

/** What a pool says of itself while a request is routed; answered without waiting. */
export interface RoutablePool {
  /**
   * Takes note of the time. Called once for each request that asks for owners, before the first.
   */
  refresh(): void;
  /** A target of this channel may be tried, with what is of this signal. */
  usableFor(channel: number, signal: Signal): boolean;
  /** Rules with a pool that is not usable are passed over, unless the pool holds or refuses. */
  readonly whenDown: "next_rule" | "hold" | "refuse";
  /** Whether its queue has any room. */
  hasAnyRoom(signal: Signal): boolean;
  /** The channel of the target that owns a key, for pools that divide by key. */
  ownerOf(hash: number, signal: Signal): number;
}

/**
 * A pool as one request meets it. What depends on the clock is asked once for each request: there
 * may be thousands of items, and all of one request are to be treated alike.
 */
export class PoolGate {
  readonly #view: RoutablePool;
  readonly #signal: Signal;
  /**
   * Whether channels differ in what is usable; where not, the answer for channel 0 is that for all.
   */
  readonly #differ: boolean;
  /** Counts requests; at which of them each thing was asked last. */
  #request = -1;
  readonly #usableAt: number[] = [];
  readonly #usable: boolean[] = [];
  #roomAt = -1;
  #room = false;
  #hash = -1;
  #owner = 0;

  constructor(view: RoutablePool, signal: Signal, channelsDiffer: boolean) {
    this.#view = view;
    this.#signal = signal;
    this.#differ = channelsDiffer;
  }

  get whenDown(): RoutablePool["whenDown"] {
    return this.#view.whenDown;
  }

  usableFor(channel: number, request: number): boolean {
    const asked = this.#differ ? channel : 0;
    if (this.#usableAt[asked] !== request) {
      this.#usableAt[asked] = request;
      this.#usable[asked] = this.#view.usableFor(asked, this.#signal);
    }
    return this.#usable[asked]!;
  }

  hasRoom(request: number): boolean {
    if (this.#roomAt !== request) {
      this.#roomAt = request;
      this.#room = this.#view.hasAnyRoom(this.#signal);
    }
    return this.#room;
  }

  /** `item` has been read, unless the choice does not depend on it. */
  channelOf(choice: ChannelChoice, item: ItemFields, request: number): number {
    switch (choice.kind) {
      case "fixed":
        return choice.channel;
      case "cases":
        return caseOf(choice, item);
      case "hash":
        return this.#ownerOf(choice.hash, request);
      case "key":
        return this.#ownerOf(choice.hashOf(item), request);
      default:
        throw new Unreachable(choice);
    }
  }

  /** Neighbours mostly have the same key: the spans of a trace stand together. */
  #ownerOf(hash: number, request: number): number {
    if (this.#request !== request) {
      this.#request = request;
      this.#view.refresh();
    } else if (hash === this.#hash) {
      return this.#owner;
    }
    this.#hash = hash;
    this.#owner = this.#view.ownerOf(hash, this.#signal);
    return this.#owner;
  }
}
