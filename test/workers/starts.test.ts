import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, isReady, startWorkers, type WorkerNode } from "./worker-node.ts";

const ENDED = "a worker ended, and is started again";

/** A folder with a plugin of this text, in which `turn` says the how many-th process loads it. */
class Plugin implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "signalbox-starts-"));
  readonly #file = join(this.#folder, "own.mjs");

  constructor(text: string) {
    writeFileSync(
      this.#file,
      `import { existsSync, writeFileSync } from "node:fs";
const place = (n) => new URL("turn" + n, import.meta.url);
let turn = 1;
for (;; turn++) {
  try {
    writeFileSync(place(turn), "", { flag: "wx" });
    break;
  } catch {}
}
${text}
export default ({ registerStrategy }) => {
  registerStrategy("own", () => ({ pick: () => 0, charge() {}, changed() {} }));
};
`,
    );
  }

  get config(): Readonly<Record<string, unknown>> {
    const strategy = { type: "plugin", name: "own" };
    return { node: { plugins: [this.#file] }, default_pool: { targets: ["a"], strategy } };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

// The first is told of the health of targets once it is ready; the second starts when the third does.
const DIES_EARLY = `
if (turn === 1) process.on("message", ({ kind }) => kind === "health" && process.kill(process.pid, "SIGKILL"));
if (turn === 2) while (!existsSync(place(3))) await new Promise((resolve) => setTimeout(resolve, 20));
`;

test("workers: one that ends while another still starts for the first time is started again", async () => {
  using plugin = new Plugin(DIES_EARLY);
  await using a = await openGrpcSink();
  await using node = await startWorkers(2, plugin.config, { a });
  await eventually(() => isReady(node));
  assert.deepEqual(
    node.logged(ENDED).map(({ reason }) => reason),
    ["killed"],
  );
  const restarts = (await node.workers()).map((worker) => worker.restarts);
  assert.deepEqual(restarts.toSorted(), [0, 1]);
  assert.equal(await node.metric("signalbox_worker_restarts_total"), 1);
});

test("workers: a node that stops while a worker is started again does not say that it cannot start", async () => {
  using plugin = new Plugin("if (turn === 2) await new Promise(() => undefined);");
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
