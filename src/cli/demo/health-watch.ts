import type { TargetStatus } from "../../plan/data-plane.ts";
import type { Events } from "./events.ts";

/** `sinceMs` is computed anew each time it is asked for; below this it is the same moment. */
const SAME_MOMENT_MS = 20;

/** Turns what the router thinks of its targets into events. */
export class HealthWatch {
  readonly #events: Events;
  readonly #known = new Map<string, TargetStatus>();

  constructor(events: Events) {
    this.#events = events;
  }

  look(targets: readonly TargetStatus[], nowWallMs: number): void {
    for (const target of targets) {
      if (target.state === "probing") continue; // it is decided within moments
      const before = this.#known.get(target.id);
      this.#known.set(target.id, target);
      if (before !== undefined) this.#compare(before, target, nowWallMs);
    }
  }

  #compare(before: TargetStatus, { id, state, reason, sinceMs, nextTryMs }: TargetStatus, nowWallMs: number): void {
    if (state === before.state && Math.abs(sinceMs - before.sinceMs) < SAME_MOMENT_MS) return;
    if (state === "ready") return this.#events.add("good", `router: ${id} works again`);
    const again = before.state === state ? "still fails" : state;
    const next = nextTryMs === undefined ? "" : `, next try in ${inSeconds(nextTryMs - nowWallMs)}`;
    this.#events.add("bad", `router: ${id} ${again} (${reason})${next}`);
  }
}

function inSeconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}
