import type { Cancel } from "../core/clock.ts";
import type { EventKind } from "./event-kind.ts";

/** One line of the log, for people who look later. */
export interface LogEvent {
  /** Counts up from 1. */
  readonly id: number;
  /** The line as JSON, without its end. */
  readonly json: string;
  /** Undefined: it is about the node by itself. */
  readonly kind: EventKind | undefined;
}

/** The last lines of a log. */
export interface Events {
  /** Those after the one with this id, as far as they are kept; oldest first. */
  after(id: number): readonly LogEvent[];
  /** Told of each from now on, until it is cancelled. Must not throw. */
  listen(listener: (event: LogEvent) => void): Cancel;
}

const MAX_EVENTS = 500;
/** Of all lines together. */
const MAX_CHARS = 262_144;

/** Keeps the last 500 lines, and no more than 256 Ki characters. */
export class EventRing implements Events {
  readonly #events: LogEvent[] = [];
  readonly #listeners = new Set<(event: LogEvent) => void>();
  #chars = 0;
  #last = 0;

  add(json: string, kind?: EventKind): void {
    const event = { id: ++this.#last, json, kind };
    this.#events.push(event);
    this.#chars += json.length;
    while (this.#events.length > MAX_EVENTS || this.#chars > MAX_CHARS)
      this.#chars -= this.#events.shift()!.json.length;
    for (const listener of this.#listeners) listener(event);
  }

  after(id: number): readonly LogEvent[] {
    return this.#events.filter((event) => event.id > id);
  }

  listen(listener: (event: LogEvent) => void): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
