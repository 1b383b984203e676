import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { DocumentWorker } from "./document-worker.ts";

/** Ids of threads count up: what was started in between can be told from a new one. */
async function newestThread(): Promise<number> {
  const worker = new Worker("", { eval: true });
  const { threadId } = worker;
  await worker.terminate();
  return threadId;
}

const rootOf = (text: string) => ({ name: "rootOf", args: [text] }) as const;

test("document worker: however many documents are to be read, one thread reads them, in their order", async () => {
  await using worker = new DocumentWorker(new ManualClock());
  const before = await newestThread();
  const order: number[] = [];
  const all = Array.from({ length: 40 }, async (_, i) => {
    const result = await worker.run(rootOf(`a: ${i}`), "thread", false);
    order.push(i);
    return result;
  });
  assert.deepEqual(
    await Promise.all(all),
    Array.from({ length: 40 }, (_, a) => ({ a })),
  );
  assert.deepEqual(
    order,
    Array.from({ length: 40 }, (_, i) => i),
  );
  assert.equal((await newestThread()) - before, 2, "one, and the one that this test counts with");
});

test("document worker: the node's own file comes before all that waits", async () => {
  await using worker = new DocumentWorker(new ManualClock());
  const order: string[] = [];
  const run = (name: string, first: boolean): Promise<unknown> =>
    worker.run(rootOf(`a: ${name}`), "thread", first).then(() => order.push(name));
  await Promise.all([run("begun", false), run("waits", false), run("file", true)]);
  assert.deepEqual(order, ["begun", "file", "waits"]);
});

test("document worker: what takes too long costs that document only", async () => {
  const clock = new ManualClock();
  await using worker = new DocumentWorker(clock);
  const late = worker.run(rootOf("a: 1"), "thread", false);
  const next = worker.run(rootOf("a: 2"), "thread", false);
  clock.advance(120_000);
  await assert.rejects(late, { code: "CONFIG_UNREADABLE", message: /takes more than 120 s/u });
  assert.deepEqual(await next, { a: 2 });
});

test("document worker: a thread that has had nothing to do for two seconds goes, and another one comes", async () => {
  const clock = new ManualClock();
  await using worker = new DocumentWorker(clock);
  await worker.run(rootOf("a: 1"), "thread", false);
  const before = await newestThread();
  clock.advance(2_000);
  assert.deepEqual(await worker.run(rootOf("a: 2"), "thread", false), { a: 2 });
  assert.equal((await newestThread()) - before, 2);
});

test("document worker: closed, it refuses what waits and what comes", async () => {
  const worker = new DocumentWorker(new ManualClock());
  const refused = [worker.run(rootOf("a: 1"), "thread", false), worker.run(rootOf("a: 2"), "thread", false)].map(
    (work) => assert.rejects(work, { code: "SHUTDOWN" }),
  );
  await worker[Symbol.asyncDispose]();
  await Promise.all(refused);
  await assert.rejects(worker.run(rootOf("a: 3"), "thread", false), { code: "SHUTDOWN" });
});

/** Processes that are started from now on. */
function processes(): Disposable & { readonly all: readonly ChildProcess[]; newest(): ChildProcess } {
  const all: ChildProcess[] = [];
  const started = (message: unknown): void => void all.push((message as { readonly process: ChildProcess }).process);
  subscribe("child_process", started);
  const newest = (): ChildProcess => {
    const child = all.at(-1)!;
    child.ref(); // waited for
    return child;
  };
  return { all, newest, [Symbol.dispose]: () => void unsubscribe("child_process", started) };
}

test("document worker: a process reads what is large, in its turn, and what is short while it is there", async () => {
  using started = processes();
  await using worker = new DocumentWorker(new ManualClock());
  const before = await newestThread();
  const order: unknown[] = [];
  const kinds = ["thread", "process", "thread", "process"] as const;
  const runs = kinds.map(async (kind, i) => order.push(await worker.run(rootOf(`a: ${i}`), kind, false)));
  await Promise.all(runs);
  assert.deepEqual(
    order,
    kinds.map((_, a) => ({ a })),
  );
  assert.equal(started.all.length, 1);
  assert.equal((await newestThread()) - before, 2, "one thread, and the one that this test counts with");
});

test("document worker: a process that has had nothing to do for two seconds is gone, as is one that is closed", async () => {
  using started = processes();
  const clock = new ManualClock();
  const worker = new DocumentWorker(clock);
  for (const end of [async () => clock.advance(2_000), () => worker[Symbol.asyncDispose]()]) {
    await worker.run(rootOf("a: 1"), "process", false);
    const ended = once(started.newest(), "exit");
    await end();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
  }
  assert.equal(started.all.length, 2);
});

test("document worker: a process that ends by itself, or has no memory left, costs its document only", async () => {
  using started = processes();
  await using worker = new DocumentWorker(new ManualClock());
  for (const [signal, said] of [
    ["SIGABRT", /more memory than one may have/u],
    ["SIGKILL", /ended with SIGKILL/u],
  ] as const) {
    const lost = worker.run(rootOf("a: 1"), "process", false);
    const next = worker.run(rootOf("a: 2"), "process", false);
    started.newest().kill(signal);
    await assert.rejects(lost, { code: "CONFIG_UNREADABLE", message: said });
    assert.deepEqual(await next, { a: 2 });
    started.newest().kill("SIGKILL");
    await once(started.newest(), "exit");
  }
});
