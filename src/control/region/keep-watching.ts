import { type Clock, sleep } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";

/** Where a store refuses a watch, rights may be given meanwhile. */
const AGAIN_MS = 5_000;

interface KeepWatchingOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Ends with the signal. */
  readonly watch: () => Promise<void>;
  /** Nothing is told until it is watched again. */
  readonly refused: (reason: string) => void;
}

/** Watches until the signal says so; what a store refuses is tried again. Does not throw. */
export async function keepWatching({ clock, signal, watch, refused }: KeepWatchingOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await watch();
    } catch (cause) {
      refused(reasonOf(cause));
    }
    await sleep(clock, AGAIN_MS, signal).catch(() => undefined);
  }
}
