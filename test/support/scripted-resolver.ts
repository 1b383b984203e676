import type { Cancel } from "../../src/core/clock.ts";
import type { Answer, Resolver } from "../../src/data/resolve/resolver.ts";

/** A resolver that answers when a test says so, to everybody who asks at that time. */
export class ScriptedResolver implements Resolver {
  /** Names that were asked for, each time. */
  readonly asked: string[] = [];
  readonly #waiting = new Set<(answer: Answer) => void>();

  /** Questions that were not answered yet. */
  get pending(): number {
    return this.#waiting.size;
  }

  resolve(name: string, done: (answer: Answer) => void): Cancel {
    this.asked.push(name);
    this.#waiting.add(done);
    return () => void this.#waiting.delete(done);
  }

  find(addresses: readonly string[], ttlMs?: number): void {
    this.#answer({ kind: "found", addresses, ttlMs });
  }

  fail(reason = "ESERVFAIL"): void {
    this.#answer({ kind: "failed", reason });
  }

  #answer(answer: Answer): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) done(answer);
  }
}
