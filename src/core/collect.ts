import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

let collect: Collect | undefined;

/**
 * Collects the whole heap now, and gives what is free of it back to the system: V8 by itself keeps
 * the most that it ever needed, for minutes. It holds up this thread, for some 50 ms where 30 MB
 * are alive: only for a process that carries no data, or not yet, and after large work.
 */
export function collectAll(): void {
  collect ??= exposed();
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
  leftBytes = usedBytes();
}

/** What was alive when all was collected last. */
let leftBytes = 0;
/** What V8 collects by itself before long. */
const LITTLE_BYTES = 16 * 1_024 * 1_024;
/** What is worth giving back to the system. */
const MUCH_BYTES = 64 * 1_024 * 1_024;

/**
 * After work that may have left much behind, or nearly nothing. `pauses`: whether this process may
 * be held up, as one that carries no data may.
 */
export function collectGrown(pauses: boolean): void {
  const grown = usedBytes() - leftBytes;
  if (pauses && grown > MUCH_BYTES) collectAll();
  else if (grown > LITTLE_BYTES) collectBeside();
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size;
}

/** There without a flag of the process: contexts that are made after the flag was set have it. */
function exposed(): Collect {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc") as Collect; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what V8 calls so
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}

/** What Node's types leave out. */
interface GcEntry {
  readonly detail: { readonly kind: number };
}

let beside: PerformanceObserver | undefined;
/** Asked for while another one was under way, which may have begun too early. */
let again = false;

/**
 * Collects the whole heap soon, beside the work: marked by V8's other threads and in small steps,
 * with a pause of a few milliseconds at its end, where V8 by itself would wait until the heap has
 * tripled. It begins when the heap has grown by a hundredth of that since the last one. For a
 * process that carries data, after it let go of much at once.
 */
export function collectBeside(): void {
  again = beside !== undefined;
  if (again) return;
  beside = new PerformanceObserver((list) => {
    const entries = list.getEntries() as readonly object[] as readonly GcEntry[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what entries of this type are
    if (entries.some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) whenCollected();
  });
  beside.observe({ entryTypes: ["gc"] });
  setFlagsFromString("--incremental-marking-soft-trigger=1");
}

function whenCollected(): void {
  if (again) {
    again = false;
    return;
  }
  setFlagsFromString("--incremental-marking-soft-trigger=0");
  leftBytes = usedBytes();
  beside?.disconnect();
  beside = undefined;
}
