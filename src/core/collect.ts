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
  limitGrowth();
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
  collected();
}

/** What was alive when all was collected last. */
let leftBytes = 0;
/** How much the heap may grow until V8 collects all of it; as its flags say, while undefined. */
let growthBytes: number | undefined;
/** However much is alive: else a large heap would be collected over and over. */
const LEAST_PERCENT = 20;

/**
 * From here on the heap grows by so much, and not to a multiple of what is alive, until V8 by
 * itself collects all of it. 10,000 rules are alive for as long as they run: a heap that may triple
 * would have room for them three times. Effective from the next collection of this file's on.
 */
export function boundGrowth(bytes: number): void {
  growthBytes = bytes;
}

function collected(): void {
  leftBytes = usedBytes();
  limitGrowth();
}

/** V8 decides at the end of a collection when the next one is due: what is used says so before. */
function limitGrowth(): void {
  if (growthBytes === undefined) return;
  const percent = Math.round((100 * growthBytes) / usedBytes());
  setFlagsFromString(`--heap-growing-percent=${Math.min(USUAL_PERCENT, Math.max(LEAST_PERCENT, percent))}`);
}

/** As in bin/signalbox.js and server/workers/worker-flags.ts. */
const USUAL_PERCENT = 200;
/** What V8 collects by itself before long. */
const LITTLE_BYTES = 16 * 1_024 * 1_024;
/** What is worth giving back to the system at once. */
const MUCH_BYTES = 64 * 1_024 * 1_024;
/** The same when there is nothing else to do. */
const RESTED_BYTES = 6 * 1_024 * 1_024;

/**
 * After work that may have left much behind, or nearly nothing. `pauses`: whether this process may
 * be held up, as one that carries no data may. `rested`: no more such work is likely to follow.
 */
export function collectGrown(pauses: boolean, rested = false): void {
  const grown = usedBytes() - leftBytes;
  if (pauses && grown > (rested ? RESTED_BYTES : MUCH_BYTES)) collectAll();
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
  limitGrowth();
  setFlagsFromString("--incremental-marking-soft-trigger=1");
}

function whenCollected(): void {
  if (again) {
    again = false;
    return;
  }
  setFlagsFromString("--incremental-marking-soft-trigger=0");
  collected();
  beside?.disconnect();
  beside = undefined;
}
