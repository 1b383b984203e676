import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { RouterError } from "../../core/errors.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { CALL_DEADLINE_MS, type CallOptions, type Entry, type Listing } from "../store.ts";
import { isInMemory, openReader } from "./database.ts";
import type { HistoryPosition } from "./feed.ts";
import { storeError } from "./sqlite-fault.ts";
import type { StoreFile } from "./store-file.ts";
import { Tables } from "./tables.ts";
import { untilFree } from "./until-free.ts";

/** And where it was read. */
export type PositionedListing = Listing & HistoryPosition;

export interface Range {
  readonly prefix: string;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** What is read in one turn: about 10 ms. */
const TURN = { entries: 2_000, bytes: 8_388_608 };

/**
 * The first turn of a list; undefined when it takes more of them. In memory a reader holds writers
 * up, so that it is read at once.
 */
export function listAtOnce(file: StoreFile, range: Range): PositionedListing | undefined {
  const wanted = range.limit ?? Number.POSITIVE_INFINITY;
  const turn = isInMemory(file.name) ? { entries: wanted, bytes: Number.POSITIVE_INFINITY } : TURN;
  return file.read(({ tables }) => {
    const limits = { ...turn, entries: Math.min(turn.entries, wanted) };
    const { entries, isWhole } = tables.page({ prefix: range.prefix, after: range.after }, limits);
    if (!isWhole && entries.length < wanted) return undefined;
    return { entries, ...tables.state(), hasMore: !isWhole };
  });
}

/** In several turns, over a connection of its own that sees one moment of the file. */
export async function listInTurns(
  file: StoreFile,
  range: Range,
  { signal, deadlineMs = CALL_DEADLINE_MS }: CallOptions,
  world: TimeAndChance,
): Promise<PositionedListing> {
  const { clock } = world;
  const endsMs = clock.nowMs() + deadlineMs;
  const goOn = (): void => {
    signal.throwIfAborted();
    if (clock.nowMs() >= endsMs) throw tooLong(range.prefix);
  };
  try {
    using reader = await untilFree(() => openReader(file.name), { signal, deadlineMs }, world);
    return await readInTurns(new Tables(reader, new Set(file.hidden)), reader, range, goOn);
  } catch (cause) {
    signal.throwIfAborted();
    throw storeError(file.name, cause);
  }
}

async function readInTurns(
  tables: Tables,
  database: DatabaseSync,
  range: Range,
  goOn: () => void,
): Promise<PositionedListing> {
  database.exec("BEGIN");
  const place = tables.state();
  const wanted = range.limit ?? Number.POSITIVE_INFINITY;
  const entries: Entry[] = [];
  for (let after = range.after; ; after = entries.at(-1)?.key) {
    const limits = { ...TURN, entries: Math.min(TURN.entries, wanted - entries.length) };
    const page = tables.page({ prefix: range.prefix, after }, limits);
    for (const entry of page.entries) entries.push(entry);
    if (page.isWhole || entries.length >= wanted) return { entries, ...place, hasMore: !page.isWhole };
    await setImmediate();
    goOn();
  }
}

function tooLong(prefix: string): RouterError {
  return new RouterError("STORE_UNREACHABLE", `the list of ${prefix} was not read within its deadline`, {
    hint: "ask for fewer at a time, with limit and after",
  });
}
