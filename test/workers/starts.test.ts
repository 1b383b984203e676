import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { EarlyWorkers, workersIn } from "../../src/server/workers/early-workers.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { TurnPlugin } from "./turn-plugin.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

const ENDED = "a worker ended, and is started again";

// The first is told of health once it is ready; the second starts when the third does.
const DIES_EARLY = `
if (turn === 1) process.on("message", ({ kind }) => kind === "health" && process.kill(process.pid, "SIGKILL"));
if (turn === 2) while (!existsSync(place(3))) await new Promise((resolve) => setTimeout(resolve, 20));
`;

test("workers: one that ends while another still starts for the first time is started again", async () => {
  using plugin = new TurnPlugin(DIES_EARLY);
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, plugin.config, { a });
  await eventually(() => isReady(node));
  assert.deepEqual(
    node.logged(ENDED).map(({ reason }) => reason),
    ["killed"],
  );
  const restarts = (await node.workers()).map((worker) => worker.restarts);
  assert.deepEqual(new Set(restarts), new Set([0, 1]));
  assert.equal(await node.metric("signalbox_worker_restarts_total"), 1);
});

test("workers: a node that stops while a worker is started again does not say that it cannot start", async () => {
  using plugin = new TurnPlugin("if (turn === 2) await new Promise(() => undefined);");
  await using a = await openGrpcSink();
  let stopped: WorkerNode;
  {
    await using node = await startWorkers(1, plugin.config, { a });
    stopped = node;
    const [pid] = await node.pids();
    process.kill(pid!, "SIGKILL");
    await eventually(async () => (await node.pids()).some((one) => one !== pid));
  }
  assert.deepEqual(
    stopped.lines.flatMap(({ level, msg }) => (level === "error" ? [msg] : [])),
    [ENDED],
  );
});

const FIRST_ENDS = [
  { text: 'process.kill(process.pid, "SIGKILL");', says: /^a worker ended before it answered, by SIGKILL$/u },
  {
    text: 'process.stderr.write("Error: no licence\\n"); process.exit(3);',
    says: /^a worker ended before it answered, by its exit with 3: Error: no licence$/u,
  },
] as const;
for (const { text, says } of FIRST_ENDS) {
  test(`workers: a node whose worker does not live to its first start says how that ended: ${text}`, async () => {
    using plugin = new TurnPlugin(text);
    await using a = await openGrpcSink();
    await assert.rejects(startWorkers(1, plugin.config, { a }), { message: says });
  });
}

/** Processes cannot be made of this program. */
class Program implements Disposable {
  readonly #before = process.execPath;

  constructor(path: string) {
    process.execPath = path;
  }

  [Symbol.dispose](): void {
    process.execPath = this.#before;
  }
}

// Of the first Node throws at once, of the second it tells later.
const PROGRAMS = [
  { path: "/dev/null/node", code: "ENOTDIR" },
  { path: "/does/not/exist", code: "ENOENT" },
];
const POOL = { default_pool: { targets: ["a"] } };
for (const { path, code } of PROGRAMS) {
  test(`workers: where the system makes no process (${code}), the others go on, and it is tried again`, async () => {
    await using a = await openGrpcSink();
    await using node = await startWorkers(2, POOL, { a });
    const [first] = await node.pids();
    {
      using _ = new Program(path);
      process.kill(first!, "SIGKILL");
      await eventually(async () => node.logged(ENDED).length >= 3);
    }
    const [killed, ...others] = node.logged(ENDED);
    assert.equal(killed?.["reason"], "killed");
    for (const { reason, said } of others) {
      assert.equal(reason, "crashed");
      assert.match(String(said), new RegExp(code, "u"));
    }
    await eventually(() => isReady(node));
    const { restarts } = (await node.workers())[0]!;
    assert.equal(restarts, node.logged(ENDED).length);
  });

  test(`workers: a node for which the system makes no process (${code}) says why it does not start`, async () => {
    await using a = await openGrpcSink();
    using _ = new Program(path);
    await assert.rejects(startWorkers(2, POOL, { a }), { message: new RegExp(code, "u") });
  });
}

const LONG = `rules: []\n${"# a comment\n".repeat(6_000)}`;
const processes = (): number => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;

test("workers: a node takes the processes that have begun, and begins those that are missing", async () => {
  await using a = await openGrpcSink();
  using early = new EarlyWorkers(`node:\n  workers: 1\n${LONG}`, { env: {}, unsaid: 2 });
  const taken: number[] = [];
  const take = (): ReturnType<EarlyWorkers["take"]> => {
    const child = early.take();
    taken.push(...(child?.pid === undefined ? [] : [child.pid]));
    return child;
  };
  await using node = await startWorkers(2, {}, { a }, systemClock, { early: { take } });
  const pids = await node.pids();
  assert.equal(taken.length, 1);
  assert.ok(pids.length === 2 && pids.includes(taken[0]!), `${taken.join()} in ${pids.join()}`);
});

test("workers: of processes that began early none is left behind, and none is given that has ended", async () => {
  await eventually(async () => processes() === 0); // those of tests before
  const ended = new EarlyWorkers(LONG, { env: { NODE_OPTIONS: "--no-such-option" }, unsaid: 1 });
  const early = new EarlyWorkers(LONG, { env: {}, unsaid: 1 });
  assert.equal(processes(), 2);
  early[Symbol.dispose]();
  await eventually(async () => processes() === 0);
  assert.equal(ended.take(), undefined);
});

test("workers: how many a document asks for is told by its section node alone", () => {
  const texts = {
    [LONG]: 3,
    [`${LONG}node:\n  id: n\n\n# of them\n  workers: 2\n`]: 2,
    [`node: { workers: 0 }\r\n${LONG}`]: 0,
    [`node:\n  workers: auto\n${LONG}`]: availableParallelism(),
    [`node:\n  workers: "auto"\n${LONG}`]: availableParallelism(),
    [`node:\n  workers: \${env:COUNT}\n${LONG}`]: 0,
    [`node:\n  workers: *count\n${LONG}`]: 0,
    [`other:\n  node:\n    workers: 7\n${LONG}`]: 3,
    [`{ "node": { "workers": 2 } }`]: 0,
  };
  for (const [text, count] of Object.entries(texts)) assert.equal(workersIn(text, 3), count, text.slice(0, 60));
});
