import { monitorEventLoopDelay } from "node:perf_hooks";

/** How late the event loop of this thread comes to what it is to do. */
interface LoopDelay extends Disposable {
  /** The 99th percentile since it was last read, in milliseconds. */
  readMs(): number;
}

/** How often it is sampled. */
const RESOLUTION_MS = 20;
const NANOSECONDS_PER_MS = 1e6;

/** Measures until it is disposed of. */
export function openLoopDelay(): LoopDelay {
  const measured = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  measured.enable();
  return {
    readMs() {
      // What is measured is the time between two samples: an idle loop has one each 20 ms.
      const betweenMs = measured.count === 0 ? 0 : measured.percentile(99) / NANOSECONDS_PER_MS;
      measured.reset();
      return Math.max(0, betweenMs - RESOLUTION_MS);
    },
    [Symbol.dispose]: () => void measured.disable(),
  };
}
