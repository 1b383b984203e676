import assert from "node:assert/strict";
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
    const result = await worker.run(rootOf(`a: ${i}`), false);
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
    worker.run(rootOf(`a: ${name}`), first).then(() => order.push(name));
  await Promise.all([run("begun", false), run("waits", false), run("file", true)]);
  assert.deepEqual(order, ["begun", "file", "waits"]);
});

test("document worker: what takes too long costs that document only", async () => {
  const clock = new ManualClock();
  await using worker = new DocumentWorker(clock);
  const late = worker.run(rootOf("a: 1"), false);
  const next = worker.run(rootOf("a: 2"), false);
  clock.advance(120_000);
  await assert.rejects(late, { code: "CONFIG_UNREADABLE", message: /takes more than 120 s/u });
  assert.deepEqual(await next, { a: 2 });
});

test("document worker: a thread that has had nothing to do for two seconds goes, and another one comes", async () => {
  const clock = new ManualClock();
  await using worker = new DocumentWorker(clock);
  await worker.run(rootOf("a: 1"), false);
  const before = await newestThread();
  clock.advance(2_000);
  assert.deepEqual(await worker.run(rootOf("a: 2"), false), { a: 2 });
  assert.equal((await newestThread()) - before, 2);
});

test("document worker: closed, it refuses what waits and what comes", async () => {
  const worker = new DocumentWorker(new ManualClock());
  const refused = [worker.run(rootOf("a: 1"), false), worker.run(rootOf("a: 2"), false)].map((work) =>
    assert.rejects(work, { code: "SHUTDOWN" }),
  );
  await worker[Symbol.asyncDispose]();
  await Promise.all(refused);
  await assert.rejects(worker.run(rootOf("a: 3"), false), { code: "SHUTDOWN" });
});
