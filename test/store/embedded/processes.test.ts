import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../../src/core/clock.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { openEmbedded } from "../../../src/store/embedded/open-embedded.ts";
import { HISTORY } from "../../../src/store/embedded/facts.ts";
import { StoreFile } from "../../../src/store/embedded/store-file.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { EmbeddedSettings, Session, Store, StoreAdapter, StoreOptions } from "../../../src/store/store.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { absent, plain, put, read, textOf, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { contents } from "../contract/reads.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";

const WRITER = fileURLToPath(new URL("writer-process.ts", import.meta.url));
const OPTIONS: StoreOptions = { clock: systemClock, random: systemRandom, observer: SILENT_OBSERVER };

const folder = makeQuickFolder("signalbox-processes-");
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function settingsOfNew(): EmbeddedSettings {
  return { kind: "embedded", file: join(folder, `${files++}.sqlite`) };
}

interface Writer extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Resolves with the next line. */
  line(): Promise<void>;
  exit(): Promise<number | null>;
}

function startWriter(...words: readonly string[]): Writer {
  const child = spawn(process.execPath, [WRITER, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const exited = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  return {
    child,
    lines,
    async line() {
      await once(reader, "line");
    },
    exit: () => exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

for (const isWatched of [true, false]) {
  const others = isWatched ? "watched by another process" : "alone";
  test(`embedded: a writer that is killed, ${others}, leaves whole transactions and all that are done`, async (t) => {
    const settings = settingsOfNew();
    await using stack = new AsyncDisposableStack();
    const follower = isWatched ? stack.use(follow(stack.use(openEmbedded(settings, OPTIONS)))) : undefined;
    for (const lines of [1, 17, 40, 3]) {
      const told = await killAfter(lines, settings);
      await using store = openEmbedded(settings, OPTIONS); // it reads all of the file
      const last = await assertWhole(store, told, t.signal);
      await follower?.until(() => follower.revision >= last, "the last change");
      const there = await contents(store, "/pairs/", t.signal);
      if (follower !== undefined) assert.deepEqual(plain(follower.state.values()), there);
    }
    assert.deepEqual([follower?.count("lost") ?? 0, follower?.count("resync") ?? 0], [0, 0]);
  });
}

function follow(store: StoreAdapter): Follower {
  return new Follower(store, "/pairs/");
}

/** Gives the last value that the writer said was done. */
async function killAfter(lines: number, settings: EmbeddedSettings): Promise<number> {
  await using writer = startWriter("pairs", settings.file);
  while (writer.lines.length < lines) await writer.line();
  writer.child.kill("SIGKILL");
  await writer.exit();
  return Number(writer.lines.at(-1));
}

/** Gives the last revision. */
async function assertWhole(store: StoreAdapter, told: number, signal: AbortSignal): Promise<bigint> {
  const [a, b] = [await read(store, "/pairs/a", signal), await read(store, "/pairs/b", signal)];
  assert.equal(textOf(a), textOf(b));
  assert.equal(a.modified, b.modified);
  const last = Number(textOf(a));
  assert.ok(last >= told, `${last} is there, after ${told} was told as done`);
  const even = textOf(await store.get("/pairs/even", { signal }));
  assert.equal(even, last % 2 === 0 ? String(last) : undefined);
  const large = await read(store, "/pairs/large", signal);
  assert.ok(Buffer.alloc(200_000, String(last)).equals(large.value));
  assert.equal(a.modified, BigInt(last + 1), "a revision for each transaction, and none comes twice");
  return a.modified;
}

test("embedded: of processes that count together no step is lost, and others see all steps in order", async ({
  signal,
}) => {
  const settings = settingsOfNew();
  await using store = openEmbedded(settings, OPTIONS);
  await write(store, [put("/count", "0")], signal);
  await using follower = new Follower(store, "/count");
  await follower.until(() => follower.isSynced, "the snapshot");
  await using writers = new AsyncDisposableStack();
  const all = [1, 2, 3].map(() => writers.use(startWriter("count", settings.file, "40")));
  for (const writer of all) assert.equal(await writer.exit(), 0);
  assert.equal(textOf(await read(store, "/count", signal)), "120");
  await follower.until(() => textOf(follower.state.get("/count")) === "120", "the last step");
  const steps = follower.events.flatMap((event) => (event.kind === "changes" ? event.puts.map(textOf) : []));
  assert.deepEqual(
    steps,
    Array.from({ length: 120 }, (_, i) => String(i + 1)),
  );
});

/** A process that stands still in the middle of a write: for all others the store is stopped. */
async function startHolder(settings: EmbeddedSettings): Promise<Writer> {
  const holder = startWriter("hold", settings.file);
  await holder.line();
  holder.child.kill("SIGSTOP");
  return holder;
}

/** Tries to take the key until nobody has it; resolves with how long its holder trusts in it. */
async function take(store: Store, holder: Session, signal: AbortSignal): Promise<number> {
  for (;;) {
    const txn = { if: [absent("/held")], then: [put("/held", "other")] };
    try {
      if ((await store.txn(txn, { signal, deadlineMs: 500 })).done) return holder.validForMs();
    } catch (cause) {
      withCode("STORE_UNREACHABLE")(cause);
    }
  }
}

test("embedded: who comes while the disk is full reads all that is there, beside others who do", async () => {
  const { file } = settingsOfNew();
  using filled = new StoreFile(file, systemClock, HISTORY);
  const entries = Array.from({ length: 2_500 }, (_, i) => ({
    key: `/k/0/${i}`,
    value: Buffer.alloc(1),
    session: undefined,
  }));
  filled.write(({ writer }) => writer.write(entries, [], 0));
  filled[Symbol.dispose]();
  assert.ok(!existsSync(`${file}-shm`), "whoever comes next has to make it");
  // No file of theirs gets longer than a block.
  const limited = ["-c", 'ulimit -f 1 && exec "$@"', "sh", process.execPath, WRITER, "read", file];
  const told = await Promise.all([1, 2].map(() => promisify(execFile)("sh", limited)));
  const expected = "2500 true STORE_UNKNOWN\n";
  assert.deepEqual(
    told.map(({ stdout }) => stdout),
    [expected, expected],
  );
  await using store = openEmbedded({ kind: "embedded", file }, OPTIONS);
  await write(store, [put("/more")], new AbortController().signal); // there is room again
});

test("embedded: stopped for half a TTL, sessions live on", async ({ signal }) => {
  const settings = settingsOfNew();
  await using store = await openStore(settings, OPTIONS);
  await using session = await store.openSession({ ttlMs: 6_000, signal });
  await write(store, [put("/held", "mine", session.id)], signal);
  {
    await using holder = await startHolder(settings);
    assert.ok(holder.child.pid !== undefined);
    const startMs = performance.now();
    while (performance.now() - startMs < 3_000) {
      await assert.rejects(
        store.txn({ if: [], then: [put("/a")] }, { signal, deadlineMs: 500 }),
        withCode("STORE_UNREACHABLE"),
      );
    }
  }
  assert.equal(session.lost.aborted, false);
  const { modified } = await read(store, "/held", signal);
  await write(store, [put("/held", "still mine", session.id)], signal);
  assert.ok((await read(store, "/held", signal)).modified > modified);
  assert.ok(session.validForMs() > 0);
});

test("embedded: stopped for longer than a TTL, the holder knows before anyone else can have it", async ({ signal }) => {
  const settings = settingsOfNew();
  await using store = await openStore(settings, OPTIONS);
  await using other = await openStore(settings, OPTIONS);
  await using session = await store.openSession({ ttlMs: 3_000, signal });
  await write(store, [put("/held", "mine", session.id)], signal);
  const taking = take(other, session, signal);
  await using holder = await startHolder(settings);
  if (!session.lost.aborted) await once(session.lost, "abort");
  assert.equal(session.validForMs(), 0);
  await holder[Symbol.asyncDispose]();
  assert.equal(await taking, 0);
  assert.equal(textOf(await read(store, "/held", signal)), "other");
  const late = store.txn({ if: [], then: [put("/late", "v", session.id)] }, { signal });
  await assert.rejects(late, withCode("SESSION_LOST"));
});
