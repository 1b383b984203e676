import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { constants, PerformanceObserver } from "node:perf_hooks";

/**
 * Loaded into a measured process before its own code (`node --import`): writes how long each
 * collection of the whole heap took, in milliseconds, a line each, into a file of its own. Small
 * collections are seen, too, but leave nothing.
 */
const folder = process.env["SIGNALBOX_BENCH_GC_LOG"];

/** What the types of Node leave out. */
interface GcEntry {
  readonly duration: number;
  readonly detail: { readonly kind: number };
}

if (folder !== undefined) {
  const file = join(folder, `${process.pid}`);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail, duration } = entry as unknown as GcEntry;
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) appendFileSync(file, `${duration}\n`);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
}
