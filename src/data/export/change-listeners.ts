import type { Cancel } from "../../core/clock.ts";

/** Who wants to be told of something, in turn. */
export class ChangeListeners {
  /** Replaced when it changes: who is being told of something is not disturbed by it. */
  #all: readonly (() => void)[] = [];
  /** Where in it the next telling ends. */
  #turn = 0;

  add(listener: () => void): Cancel {
    this.#all = [...this.#all, listener];
    return () => {
      this.#all = this.#all.filter((other) => other !== listener);
    };
  }

  /**
   * Who was told last is told first the next time, so that no pool takes all the room of a shared
   * target.
   */
  tell(): void {
    const all = this.#all;
    const turn = this.#turn;
    if (all.length > 1) this.#turn = (turn + 1) % all.length;
    for (let i = all.length - 1; i >= 0; i--) all[(turn + i) % all.length]!();
  }
}
