import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { StoreCallOutcome, StoreObserver, StoreOperation } from "../store.ts";

interface World {
  readonly clock: Clock;
  readonly observer: StoreObserver;
}

/** Runs a call and tells what came of it, and how long it took. */
export async function observed<T>(
  { clock, observer }: World,
  operation: StoreOperation,
  run: () => Promise<T>,
  isDone: (value: T) => boolean = () => true,
): Promise<T> {
  const startedMs = clock.nowMs();
  let outcome: StoreCallOutcome = "cancelled";
  try {
    const value = await run();
    outcome = isDone(value) ? "done" : "not_done";
    return value;
  } catch (cause) {
    outcome = outcomeOf(cause);
    throw cause;
  } finally {
    observer.called(operation, outcome, clock.nowMs() - startedMs);
  }
}

function outcomeOf(cause: unknown): StoreCallOutcome {
  if (!(cause instanceof RouterError)) return "cancelled";
  switch (cause.code) {
    case "STORE_UNREACHABLE":
      return "unreachable";
    case "STORE_UNKNOWN":
      return "unknown";
    case "STORE_REFUSED":
    case "SESSION_LOST":
      return "refused";
    default:
      return "cancelled";
  }
}
