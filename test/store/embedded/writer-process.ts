/**
 * Writes to a store's file until it is killed, or as often as it is told:
 * `node writer-process.ts pairs|count|hold|read <file> [times]`. A line on stdout says what is
 * done.
 */
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/core/clock.ts";
import { RouterError } from "../../../src/core/errors.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openEmbedded } from "../../../src/store/embedded/open-embedded.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { put, read, remove, textOf, write } from "../contract/calls.ts";

const [what, file = "", times = "Infinity"] = process.argv.slice(2);
const { signal } = new AbortController();
const options = { clock: systemClock, random: systemRandom, observer: SILENT_OBSERVER };

if (what === "pairs") await writePairs();
else if (what === "count") await count(Number(times));
else if (what === "read") await readAll();
else hold();

/**
 * Two keys that always have the same value, one that comes and goes, and one that is so large that
 * SQLite takes its log over every ten writes.
 */
async function writePairs(): Promise<void> {
  await using store = openEmbedded({ kind: "embedded", file }, options);
  for (let n = await lastPair(store); ; n++) {
    const value = String(n);
    const third = n % 2 === 0 ? put("/pairs/even", value) : remove("/pairs/even");
    const large = put("/pairs/large", Buffer.alloc(200_000, value));
    await write(store, [put("/pairs/a", value), third, large, put("/pairs/b", value)], signal);
    process.stdout.write(`${value}\n`);
  }
}

async function lastPair(store: ReturnType<typeof openEmbedded>): Promise<number> {
  return Number(textOf(await store.get("/pairs/a", { signal })) ?? -1) + 1;
}

/** Tells how many keys there are, whether one is, and what became of a write. */
async function readAll(): Promise<void> {
  await using store = openEmbedded({ kind: "embedded", file }, options);
  const { entries } = await store.list("/", { signal });
  const isThere = (await store.get("/k/0/0", { signal })) !== undefined;
  const outcome = await write(store, [put("/more", "")], signal).then(
    () => "written",
    (cause: unknown) => (cause instanceof RouterError ? cause.code : String(cause)),
  );
  process.stdout.write(`${entries.length} ${isThere} ${outcome}\n`);
}

async function count(to: number): Promise<void> {
  await using store = openEmbedded({ kind: "embedded", file }, options);
  for (let done = 0; done < to; ) {
    const key = "/count";
    const entry = await read(store, key, signal);
    const next = put(key, String(Number(textOf(entry)) + 1));
    const txn = { if: [{ kind: "modified" as const, key, revision: entry.modified }], then: [next] };
    if ((await store.txn(txn, { signal })).done) done++;
  }
}

/** Begins a write, and never ends it. */
function hold(): void {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec("BEGIN IMMEDIATE; DELETE FROM entries");
  process.stdout.write("held\n");
  process.stdin.resume();
}
