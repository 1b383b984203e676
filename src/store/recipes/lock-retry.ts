import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { pauseMs } from "../pauses.ts";

/** Whether it is about the store or the way to it, and may be over the next time. */
export function mayPass(cause: unknown): cause is RouterError {
  return cause instanceof RouterError && (cause.code === "STORE_UNREACHABLE" || cause.code === "STORE_UNKNOWN");
}

export interface Persistence extends TimeAndChance {
  readonly signal: AbortSignal;
  readonly onTrouble: ((cause: RouterError) => void) | undefined;
}

/** Tries until it is done, or the signal's reason, or a fault that stays. */
export async function persist<T>(run: () => Promise<T>, { clock, random, signal, onTrouble }: Persistence): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await run();
    } catch (cause) {
      signal.throwIfAborted();
      if (!mayPass(cause)) throw cause;
      onTrouble?.(cause);
      await sleep(clock, pauseMs("lock", failures, random), signal);
    }
  }
}
