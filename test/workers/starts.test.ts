import assert from "node:assert/strict";
import { test } from "node:test";
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
