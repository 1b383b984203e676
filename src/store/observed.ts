import type { Clock } from "../core/clock.ts";
import { RouterError } from "../core/errors.ts";
import type { StoreCallOutcome, StoreObserver, StoreOperation, TxnOutcome } from "./store.ts";

interface ObservedWorld {
  readonly clock: Clock;
  readonly observer: StoreObserver;
}

/** Runs a call and tells what came of it, and how long it took. */
export async function observed<T>(
  { clock, observer }: ObservedWorld,
  operation: StoreOperation,
  run: () => Promise<T>,
  outcomeOfValue: (value: T) => StoreCallOutcome = () => "done",
): Promise<T> {
  const startMs = clock.nowMs();
  let outcome: StoreCallOutcome = "cancelled";
  try {
    const value = await run();
    outcome = outcomeOfValue(value);
    return value;
  } catch (cause) {
    outcome = outcomeOfFault(cause);
    throw cause;
  } finally {
    observer.called(operation, outcome, clock.nowMs() - startMs);
  }
}

export function outcomeOfTxn({ done }: TxnOutcome): StoreCallOutcome {
  return done ? "done" : "not_done";
}

function outcomeOfFault(cause: unknown): StoreCallOutcome {
  switch (cause instanceof RouterError ? cause.code : undefined) {
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
