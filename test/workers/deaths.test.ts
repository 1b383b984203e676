import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { account, Sender } from "../scenario/fault-sender.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { hung } from "../support/sinks/sink-script.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

const POOL = { default_pool: { targets: ["a"] } };
const RESTARTS = "signalbox_worker_restarts_total";
const UNCOUNTED = "signalbox_worker_uncounted_seconds_total";

function sender(node: WorkerNode, source: number): Sender {
  return new Sender({ via: "grpc", address: node.grpc, source, service: `s${source}` });
}

/** Kills the worker of this number and waits for the one in its place. */
async function replace(node: WorkerNode, id: number): Promise<void> {
  const before = (await node.workers())[id - 1]?.pid;
  assert.ok(before !== undefined);
  process.kill(before, "SIGKILL");
  await eventually(async () => {
    const now = (await node.workers())[id - 1];
    return now?.pid !== undefined && now.pid !== before && (await isReady(node));
  });
}

test("workers: one is killed: no request of the other fails, and its own senders come back", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a });
  await using one = sender(node, 1);
  await using two = sender(node, 2);
  await one.sendOne(); // the first connection goes to worker 1
  await two.sendOne();
  one.start();
  two.start();
  await Promise.all([one.progress(5), two.progress(5)]);
  await replace(node, 1);
  await Promise.all([one.progress(5), two.progress(5)]);
  await Promise.all([one.stop(), two.stop()]);
  assert.deepEqual(two.failures, []);
  assert.equal(account([one, two], [a]).lost, 0);
  const [first, second] = await node.workers();
  assert.deepEqual([first?.restarts, second?.restarts], [1, 0]);
  assert.equal(await node.metric(RESTARTS), 1);
  const [line] = node.logged("a worker ended, and is started again");
  assert.deepEqual([line?.["worker"], line?.["reason"]], [1, "killed"]);
});

test("workers: connections on their way to one that dies are served by the other", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a });
  const [first] = await node.pids();
  assert.ok(first !== undefined);
  process.kill(first, "SIGSTOP"); // it takes nothing from now on
  const senders = Array.from({ length: 10 }, (_, i) => sender(node, i + 1));
  const sent = senders.map((one) => one.sendOne());
  await eventually(async () => (await node.workers()).reduce((sum, one) => sum + one.connections, 0) === 10);
  process.kill(first, "SIGKILL");
  await Promise.all(sent);
  assert.deepEqual(
    senders.flatMap(({ failures }) => failures),
    [],
  );
  assert.deepEqual(account(senders, [a]), { acknowledged: 50, lost: 0, duplicates: 0 });
  for (const one of senders) await one[Symbol.asyncDispose]();
});

test("workers: what one held that was acknowledged is counted as lost, and what was not as refused", async () => {
  await using a = await openGrpcSink({ script: hung });
  const config = {
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", health_check: false, timeout: "60s" }],
    pools: { early: { targets: ["a"], ack: "queued" }, late: { targets: ["a"] } },
    rules: [{ id: "early", conditions: [{ service_name: "s1" }], pool: "early" }],
    default_pool: "late",
  };
  await using node = await startWorkers(1, config, { a });
  await using early = sender(node, 1);
  await using late = sender(node, 2);
  await early.sendOne();
  const waiting = late.sendOne();
  await eventually(async () => (await node.ledger()).queued === 10);
  await replace(node, 1);
  assert.equal((await waiting).answer.kind, "broken");
  const rows = new Map((await node.rows()).map((row) => [row.pool, row]));
  assert.deepEqual([rows.get("early")?.lost, rows.get("early")?.queued], [{ worker_died: 5 }, 0]);
  assert.deepEqual([rows.get("late")?.shed, rows.get("late")?.queued], [{ worker_died: 5 }, 0]);
  assert.equal(await node.metric("signalbox_lost_items_total"), 5);
  assert.equal(await node.metric("signalbox_ledger_imbalance_items"), 0);
});

test("workers: a pool whose ack changes has lost what it acknowledged before, and refused what it took since", async () => {
  await using a = await openGrpcSink({ script: hung });
  const config = (ack: string) => ({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", health_check: false, timeout: "60s" }],
    pools: { p: { targets: ["a"], ack } },
    default_pool: "p",
  });
  await using node = await startWorkers(1, config("queued"), { a });
  await using early = sender(node, 1);
  await using late = sender(node, 2);
  await early.sendOne();
  assert.equal((await node.apply({ node: { workers: 1 }, ...config("delivered") })).kind, "applied");
  const waiting = late.sendOne();
  await eventually(async () => (await node.ledger()).queued === 10);
  await replace(node, 1);
  assert.equal((await waiting).answer.kind, "broken");
  const row = (await node.rows()).find(({ pool, received }) => pool === "p" && received > 0);
  assert.deepEqual([row?.lost, row?.shed, row?.queued], [{ worker_died: 5 }, { worker_died: 5 }, 0]);
  assert.equal(await node.metric("signalbox_lost_items_total"), 5);
});

test("workers: who dies between the two halves of a change begins with the new plan", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a, b });
  const { dataPlane } = node.running;
  const [, second] = await node.pids();
  const plan = node.planOf({ node: { workers: 2 }, default_pool: { targets: ["b"] } }, 2);
  const prepared = await dataPlane.prepare(plan);
  process.kill(second!, "SIGKILL");
  await prepared.commit();
  await eventually(() => isReady(node));
  const senders = [sender(node, 1), sender(node, 2)];
  for (const one of senders) await one.sendOne();
  assert.deepEqual(
    (await node.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [0, 10]);
  for (const one of senders) await one[Symbol.asyncDispose]();
});

test("workers: who dies while it prepares a change says nothing against it", async () => {
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, POOL, { a });
  const [, second] = await node.pids();
  process.kill(second!, "SIGSTOP"); // it does not get as far as to answer
  const changed = { node: { workers: 2 }, default_pool: { targets: ["a"], ack: "queued" } };
  const asked = node.apply(changed);
  setImmediate(() => process.kill(second!, "SIGKILL"));
  const outcome = await asked;
  assert.deepEqual([outcome.kind, outcome.kind === "failed" && outcome.passing], ["failed", true]);
  assert.equal((await node.apply(changed)).kind, "applied");
});

test("workers: what an operator wants holds in the one that is started again", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using node = await startWorkers(1, { default_pool: { targets: ["a", "b"] } }, { a, b });
  const { dataPlane } = node.running;
  assert.equal(await dataPlane.operate("a", { state: "drain", untilMs: undefined, note: "upgrade" }), true);
  assert.equal(await dataPlane.operate("nobody", { state: "drain", untilMs: undefined, note: "" }), false);
  await replace(node, 1);
  await using one = sender(node, 1);
  for (let i = 0; i < 6; i++) await one.sendOne();
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [0, 30]);
  const status = (await dataPlane.status()).targets.find(({ id }) => id === "a");
  assert.deepEqual([status?.state, status?.note], ["drain", "upgrade"]);
  assert.deepEqual(await dataPlane.operatorStates(), [
    { id: "a", state: "drain", untilMs: undefined, note: "upgrade" },
  ]);
});

const FATAL = `
export default ({ registerStrategy }) => {
  registerStrategy("fatal", () => ({ pick: () => process.exit(3), charge() {}, changed() {} }));
};
`;

test("workers: a config that kills all of them, over and over, is taken back", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-workers-"));
  try {
    writeFileSync(join(directory, "fatal.mjs"), FATAL);
    await using a = await openGrpcSink();
    await using node = await startWorkers(2, POOL, { a });
    const fatal = {
      node: { workers: 2, plugins: [join(directory, "fatal.mjs")] },
      default_pool: { targets: ["a"], strategy: { type: "plugin", name: "fatal" } },
    };
    assert.equal((await node.apply(fatal)).kind, "applied");
    const back = (): boolean => node.running.walk.status.last?.kind === "failed";
    let sent = 0;
    for (; !back(); sent++) {
      assert.ok(sent < 100, "it was never taken back");
      await using one = sender(node, 1_000 + sent);
      await one.sendOne();
    }
    await eventually(() => isReady(node));
    const { walk, dataPlane } = node.running;
    assert.deepEqual([(await dataPlane.status()).version, walk.status.version], [1, 1]);
    assert.deepEqual(walk.status.last, {
      kind: "failed",
      reason: "all workers ended with version 2: 1 runs again",
    });
    await using last = sender(node, 1);
    assert.equal((await last.sendOne()).answer.kind, "taken");
    const reasons = node.logged("a worker ended, and is started again").map(({ reason }) => reason);
    assert.deepEqual(new Set(reasons), new Set(["crashed"]));
    const next = await node.apply({ node: { workers: 2 }, default_pool: { targets: ["a"], ack: "queued" } });
    assert.deepEqual([next.kind, walk.status.version], ["applied", 3]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const FAULTY = `
let picks = 0;
const pick = (targets) => {
  if (++picks === 2) setImmediate(() => { throw new Error("planted") });
  return targets[0];
};
export default ({ registerStrategy }) => registerStrategy("faulty", () => ({ pick, charge() {}, changed() {} }));
`;

test("workers: what one counted until it ends by a fault of its own is counted", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-workers-"));
  try {
    writeFileSync(join(directory, "faulty.mjs"), FAULTY);
    await using a = await openGrpcSink();
    const plugins = [join(directory, "faulty.mjs")];
    const pool = { targets: ["a"], strategy: { type: "plugin", name: "faulty" } };
    const clock = new ManualClock(); // which does not go on: it is not started again
    await using node = await startWorkers(1, { node: { plugins }, default_pool: pool }, { a }, clock);
    await using one = sender(node, 1);
    assert.equal((await one.sendOne()).answer.kind, "taken");
    await one.sendOne();
    await eventually(async () => node.logged("a worker ended, and is started again").length > 0);
    const [line] = node.logged("a worker ended, and is started again");
    assert.deepEqual([line?.["said"], line?.["uncounted_ms"]], ["Error: planted", 0]);
    const row = (await node.rows()).find(({ received }) => received > 0);
    assert.deepEqual([row?.received, row?.queued], [10, 0]);
    assert.ok(row !== undefined && row.delivered + (row.shed["worker_died"] ?? 0) === 10 && row.delivered >= 5);
    assert.equal(await node.metric(UNCOUNTED), 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("workers: of one that is killed it is told for how long nothing is counted", async () => {
  await using a = await openGrpcSink();
  const clock = new ManualClock();
  await using node = await startWorkers(1, POOL, { a }, clock);
  const [pid] = await node.pids();
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  await eventually(async () => /\) T /u.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
  for (let i = 0; i < 5; i++) await turn(); // what it has told has come
  clock.advance(3_000);
  process.kill(pid, "SIGKILL");
  const ends = (): readonly Record<string, unknown>[] => node.logged("a worker ended, and is started again");
  await eventually(async () => ends().length > 0);
  assert.equal(ends()[0]?.["uncounted_ms"], 3_000);
  assert.equal(await node.metric(UNCOUNTED), 3);
});

const EXHAUSTED = `
export default ({ registerStrategy }) => {
  const pick = () => {
    process.stderr.write("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\\n");
    process.exit(134);
  };
  registerStrategy("exhausted", () => ({ pick, charge() {}, changed() {} }));
};
`;

test("workers: one that runs out of memory is told apart by its last words", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-workers-"));
  try {
    writeFileSync(join(directory, "exhausted.mjs"), EXHAUSTED);
    await using a = await openGrpcSink();
    const config = {
      node: { plugins: [join(directory, "exhausted.mjs")] },
      default_pool: { targets: ["a"], strategy: { type: "plugin", name: "exhausted" } },
    };
    await using node = await startWorkers(1, config, { a });
    await using one = sender(node, 1);
    await one.sendOne();
    const ends = (): readonly Record<string, unknown>[] => node.logged("a worker ended, and is started again");
    await eventually(async () => ends().length > 0);
    assert.equal(ends()[0]?.["reason"], "out_of_memory");
    assert.match(String(ends()[0]?.["said"]), /heap out of memory/u);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const PARENT = `
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
export default ({ registerStrategy }) => {
  const { pid } = spawn("sleep", ["600"], { stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(new URL(pid + ".pid", import.meta.url), "");
  registerStrategy("own", () => ({ pick: (targets) => targets[0], charge() {}, changed() {} }));
};
`;

test("workers: one whose plugin has started a process that goes on is replaced all the same", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-workers-"));
  try {
    writeFileSync(join(directory, "parent.mjs"), PARENT);
    await using a = await openGrpcSink();
    const plugins = [join(directory, "parent.mjs")];
    const pool = { targets: ["a"], strategy: { type: "plugin", name: "own" } };
    await using node = await startWorkers(1, { node: { plugins }, default_pool: pool }, { a });
    await replace(node, 1);
  } finally {
    for (const name of readdirSync(directory)) {
      if (name.endsWith(".pid")) process.kill(Number.parseInt(name, 10), "SIGKILL");
    }
    rmSync(directory, { recursive: true, force: true });
  }
});

test("workers: what one held for a pool that the config does not have any more is lost all the same", async () => {
  await using a = await openGrpcSink({ script: hung });
  const targets = [{ id: "a", endpoint: "http://127.0.0.1:1", health_check: false, timeout: "60s" }];
  const rules = [{ id: "early", conditions: [{ service_name: "s1" }], pool: "early" }];
  const before = {
    targets,
    pools: { early: { targets: ["a"], ack: "queued" } },
    rules,
    default_pool: { targets: ["a"] },
  };
  await using node = await startWorkers(1, before, { a });
  await using early = sender(node, 1);
  await early.sendOne();
  const after = { node: { workers: 1 }, targets, default_pool: { targets: ["a"] } };
  assert.equal((await node.apply(after)).kind, "applied");
  await eventually(async () => (await node.ledger()).queued === 5);
  await replace(node, 1);
  const row = (await node.rows()).find(({ pool }) => pool === "early");
  assert.deepEqual([row?.lost, row?.shed], [{ worker_died: 5 }, {}]);
});

test("workers: while none is ready its pools are those of the config, and an explanation is to be asked for again", async () => {
  await using a = await openGrpcSink();
  const clock = new ManualClock(); // which does not go on: none is started again
  await using node = await startWorkers(2, POOL, { a }, clock);
  const { dataPlane } = node.running;
  const [first, second] = await node.pids();
  const request = { signal: "traces", bytes: new Uint8Array(), maxItems: 1 } as const;
  process.kill(first!, "SIGSTOP"); // it does not answer, and is not known to be silent
  const asked = dataPlane.explain(request);
  clock.advance(2_000);
  assert.equal((await asked).total_items, 0);
  for (const pid of [first, second]) process.kill(pid!, "SIGKILL");
  await eventually(async () => (await node.pids()).length === 0);
  const { pools } = await dataPlane.status();
  assert.deepEqual(
    pools.map(({ name, targets, usable, queuedItems }) => [name, targets, usable, queuedItems]),
    [["default", ["a"], 0, 0]],
  );
  await assert.rejects(dataPlane.explain(request), { code: "INTERRUPTED" });
  const reply = await fetch(`http://${node.admin}/api/v1/explain`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ item: { signal: "traces" } }),
  });
  assert.deepEqual([reply.status, reply.headers.get("retry-after")], [503, "1"]);
});

test("workers: a change that comes while none runs is prepared by the one that is started again", async () => {
  await using a = await openGrpcSink();
  const strategy = { type: "plugin", name: "nobody" };
  await using node = await startWorkers(1, { default_pool: { targets: ["a"] } }, { a });
  const [pid] = await node.pids();
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGKILL");
  await eventually(async () => (await node.readyWorkers()) === 0);
  const { kind } = await node.apply({ default_pool: { targets: ["a"], strategy } });
  assert.equal(kind, "failed");
  assert.equal((await node.running.dataPlane.status()).version, 1);
});
