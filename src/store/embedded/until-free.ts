import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { observed } from "../observed.ts";
import {
  CALL_DEADLINE_MS,
  type CallOptions,
  type StoreCallOutcome,
  type StoreOperation,
  type StoreOptions,
} from "../store.ts";
import { isBusy } from "./sqlite-fault.ts";

/** Between tries, while another process writes: it takes as long as the disk's sync. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 4;

/**
 * Tries at once and until nobody else is writing. SQLite itself never waits here: it would hold
 * this thread.
 */
export async function untilFree<T>(
  run: () => T,
  { signal, deadlineMs = CALL_DEADLINE_MS }: CallOptions,
  { clock, random }: Pick<StoreOptions, "clock" | "random">,
): Promise<T> {
  const endsMs = clock.nowMs() + deadlineMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
    signal.throwIfAborted();
    try {
      return run();
    } catch (cause) {
      if (!isBusy(cause)) throw cause;
      const leftMs = endsMs - clock.nowMs();
      if (leftMs <= 0) throw stillBusy(cause);
      await sleep(clock, Math.min(leftMs, pauseMs * (0.5 + random.next())), signal);
    }
  }
}

/** How a call is made, and what is told of its result. */
export interface HowToCall<T> {
  readonly options: CallOptions;
  readonly world: StoreOptions;
  readonly outcome?: (result: T) => StoreCallOutcome;
}

/** As `untilFree`, and told to the observer. */
export function call<T>(
  operation: StoreOperation,
  run: () => T,
  { options, world, outcome }: HowToCall<T>,
): Promise<T> {
  return observed(world, operation, () => untilFree(run, options, world), outcome);
}

function stillBusy(cause: unknown): RouterError {
  return new RouterError("STORE_UNREACHABLE", "another process has been writing to the store's file all the time", {
    cause,
    hint: "find who holds it (fuser, lsof); a backup that locks it should take a copy instead",
  });
}
