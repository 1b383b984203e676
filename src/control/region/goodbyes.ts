import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { LeftCollector } from "../fleet/messages.ts";

/** Longer than anybody needs to ask twice. */
const REMEMBERED_MS = 600_000;

interface Goodbye extends LeftCollector {
  readonly atMs: number;
}

/** Who has ended in good order lately: it is not to be taken for one that has failed. */
export class Goodbyes {
  /** In the order in which they were said. */
  #said: readonly Goodbye[] = [];

  add({ id, incarnation }: LeftCollector, nowMs: number): void {
    this.#said = [...this.#lately(nowMs), { id, incarnation, atMs: nowMs }].slice(-FLEET_BOUNDS.left);
  }

  list(nowMs: number): readonly LeftCollector[] {
    return this.#lately(nowMs).map(({ id, incarnation }) => ({ id, incarnation }));
  }

  #lately(nowMs: number): readonly Goodbye[] {
    return this.#said.filter(({ atMs }) => nowMs - atMs < REMEMBERED_MS);
  }
}
