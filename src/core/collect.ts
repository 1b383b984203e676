import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { type: "major" | "minor"; execution: "sync"; flavor: "regular" | "last-resort" }) => void;

let collect: Collect | undefined;

/**
 * Collects the whole heap now, and gives what is free of it back to the system: V8 by itself keeps
 * the most that it ever needed, for minutes. It holds up this thread, for some 50 ms where 30 MB
 * are alive: only for a process that carries no data, or not yet, and after large work.
 */
export function collectAll(): void {
  collectNow("last-resort");
}

/** `regular`: once, for a third of the time; of what is free more is kept. */
function collectNow(flavor: "regular" | "last-resort"): void {
  collect ??= exposed();
  limitGrowth();
  collect({ type: "major", execution: "sync", flavor });
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
  leftBytes = oldPart().used;
  limitGrowth();
}

/** V8 decides at the end of a collection when the next one is due: what is used says so before. */
function limitGrowth(): void {
  if (growthBytes !== undefined) setFlagsFromString(`--heap-growing-percent=${growthPercent(oldPart().used)}`);
}

function growthPercent(used: number): number {
  if (growthBytes === undefined) return USUAL_PERCENT;
  return Math.min(USUAL_PERCENT, Math.max(LEAST_PERCENT, Math.round((100 * growthBytes) / used)));
}

/** As in bin/signalbox.js and server/workers/worker-flags.ts. */
const USUAL_PERCENT = 200;
/** What V8 collects by itself before long. */
const LITTLE_BYTES = 16 * 1_024 * 1_024;
/**
 * What is collected while nothing is done: three changes of 10,000 rules. So only those that come
 * faster than once a second reach what is collected in the middle of one.
 */
const BETWEEN_BYTES = LITTLE_BYTES / 2;
/** What is worth giving back to the system when there is nothing else to do. */
const RESTED_BYTES = 3 * 1_024 * 1_024;
/** So much is in pages of the heap that are in part free, where it has just been collected. */
const SPARE_BYTES = 5 * 1_024 * 1_024;

/** How long there was no work of a kind: the next may come at once, or soon, or is not likely. */
export type Rest = "none" | "short" | "long";

/**
 * After work that may have left much behind, or nearly nothing. `pauses`: whether this process may
 * be held up, as one that carries no data may: while it rests, so that V8 need not do it in the
 * middle of the work that follows.
 */
export function collectGrown(pauses: boolean, rest: Rest = "short"): void {
  const { used, spare } = oldPart();
  const grown = used - leftBytes;
  if (rest === "long") {
    if (grown < RESTED_BYTES && spare < SPARE_BYTES) return;
    if (pauses) collectAll();
    else collectBeside("sparing");
  } else if (!pauses) {
    if (grown > (rest === "none" ? LITTLE_BYTES : BETWEEN_BYTES)) collectBeside();
  } else if (rest === "short" && grown > (growthBytes ?? LITTLE_BYTES) / 2) collectNow("regular");
}

interface HeapPart {
  /** Bytes; what is dead in it is not known yet. */
  readonly used: number;
  /** In pages that the heap has, beside what is used. */
  readonly spare: number;
}

/** Without the nursery, which is emptied often. */
function oldPart(): HeapPart {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => name !== "new_space");
  const used = spaces.reduce((sum, space) => sum + space.space_used_size, 0);
  return { used, spare: spaces.reduce((sum, space) => sum + space.space_size, 0) - used };
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
/** Marking has begun. */
let begun = false;
/** Asked for since then: the one that is under way may have begun too early. */
let again = false;

/**
 * Collects the whole heap from now on, beside the work: marked by V8's other threads and in small
 * steps, with a pause of a few milliseconds at its end, where V8 by itself would wait until the
 * heap has tripled. For a process that carries data, after it let go of much at once. `sparing`:
 * pages that are free in large part are emptied, too, and given back.
 */
export function collectBeside(how: "usual" | "sparing" = "usual"): void {
  if (how === "sparing") setFlagsFromString("--memory-saver-mode");
  if (beside !== undefined) {
    again ||= begun;
    return;
  }
  beside = new PerformanceObserver((list) => {
    const entries = list.getEntries() as readonly object[] as readonly GcEntry[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what entries of this type are
    for (const { detail } of entries) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) begun = true;
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whenCollected();
    }
  });
  beside.observe({ entryTypes: ["gc"] });
  limitGrowth();
  setFlagsFromString("--incremental-marking-soft-trigger=1");
  collectYoung();
}

function whenCollected(): void {
  begun = false;
  if (again) {
    again = false;
    collectYoung();
    return;
  }
  setFlagsFromString("--incremental-marking-soft-trigger=0");
  setFlagsFromString("--no-memory-saver-mode");
  collected();
  beside?.disconnect();
  beside = undefined;
}

/**
 * V8 looks whether it is time to collect the rest when this is done. It never is where the heap has
 * grown by no hundredth of what it may, as in a process that rests: then marking would begin with
 * the next work, and in it. So something of that size is held meanwhile, for a millisecond.
 */
function collectYoung(): void {
  collect ??= exposed();
  const { used } = oldPart();
  const held: unknown[] = [];
  held.length = Math.ceil((WEIGHT * used * growthPercent(used)) / 100 / BYTES_OF_ITEM);
  collect({ type: "minor", execution: "sync", flavor: "regular" });
  held.length = 0;
}

/** V8 counts whole hundredths, and more than one has to be there. */
const WEIGHT = 0.03;
const BYTES_OF_ITEM = 8;
