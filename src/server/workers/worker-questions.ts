import { ASK_LIMIT_MS, SILENCE_MS } from "./ask-limits.ts";
import { type CallName, type Calls } from "./messages.ts";
import { isPassing } from "./worker-link.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** Asks workers that are ready: all of them, or as many as it takes. */
export class WorkerQuestions {
  readonly #ready: () => readonly WorkerSlot[];

  constructor(ready: () => readonly WorkerSlot[]) {
    this.#ready = ready;
  }

  /** Asks all that are ready. Who does not answer in time is left out. */
  async each<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["answer"][]> {
    return answersOf(await Promise.allSettled(this.#ask(name, args)));
  }

  /** As `each`, but waits for nobody else when one answer is enough, and gives that one. */
  async enough<Name extends CallName>(
    name: Name,
    args: Calls[Name]["args"],
    isEnough: (answer: Calls[Name]["answer"]) => boolean,
  ): Promise<Calls[Name]["answer"][]> {
    const asked = this.#ask(name, args);
    const found = asked.map(async (answer) => {
      if (isEnough(await answer)) return [await answer];
      throw new RangeError("others may say more");
    });
    try {
      return await Promise.any(found);
    } catch {
      return answersOf(await Promise.allSettled(asked));
    }
  }

  /**
   * Asks one after the other until one has answered; the last of them gets most time. undefined:
   * none was ready, or all of them died or were silent.
   */
  async any<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["answer"] | undefined> {
    const links = this.#ready().flatMap(({ link }) => link ?? []);
    for (const [i, link] of links.entries()) {
      try {
        return await link.ask(name, args, i < links.length - 1 ? ASK_LIMIT_MS : SILENCE_MS);
      } catch (cause) {
        if (!isPassing(cause)) throw cause;
      }
    }
    return undefined;
  }

  #ask<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["answer"]>[] {
    return this.#ready().flatMap(({ link }) => (link === undefined ? [] : [link.ask(name, args, ASK_LIMIT_MS)]));
  }
}

function answersOf<Answer>(results: readonly PromiseSettledResult<Answer>[]): Answer[] {
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
