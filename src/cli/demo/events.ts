import type { TargetStatus } from "../../plan/data-plane.ts";

export interface DemoEvent {
  /** Since the start of the demo. */
  readonly atMs: number;
  readonly tone: "good" | "bad" | "plain";
  readonly text: string;
}

const MAX_EVENTS = 200;

/** What happened in the demo, the newest last. */
export class DemoEvents {
  readonly #all: DemoEvent[] = [];
  readonly #elapsedMs: () => number;
  #told = 0;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  get all(): readonly DemoEvent[] {
    return this.#all;
  }

  add(tone: DemoEvent["tone"], text: string): void {
    this.#all.push({ atMs: this.#elapsedMs(), tone, text });
    if (this.#all.length <= MAX_EVENTS) return;
    this.#all.shift();
    this.#told = Math.max(0, this.#told - 1);
  }

  /** Those that were not taken yet. */
  takeNew(): readonly DemoEvent[] {
    const fresh = this.#all.slice(this.#told);
    this.#told = this.#all.length;
    return fresh;
  }
}

/** `sinceMs` is computed anew each time it is asked for; below this it is the same moment. */
const SAME_MOMENT_MS = 20;

/** Tells what the router thinks of a target, when it thinks otherwise than `before`. */
export function tellHealth(events: DemoEvents, before: TargetStatus, now: TargetStatus, nowWallMs: number): void {
  const { id, state, reason, sinceMs, nextTryMs } = now;
  if (state === before.state && Math.abs(sinceMs - before.sinceMs) < SAME_MOMENT_MS) return;
  if (state === "ready") return events.add("good", `router: ${id} works again`);
  const again = before.state === state ? "still fails" : state;
  const inMs = nextTryMs === undefined ? undefined : Math.max(0, nextTryMs - nowWallMs);
  const next = inMs === undefined ? "" : `, next try in ${(inMs / 1_000).toFixed(1)} s`;
  events.add("bad", `router: ${id} ${again} (${reason})${next}`);
}
