import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { callApi } from "../admin/api-client.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { envOfRun } from "../support/env-of-run.ts";
import { completeConfig } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { eventually } from "./worker-node.ts";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));

/** `signalbox run` with two workers, in a process group of its own, as a terminal has it. */
class WorkersProcess implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "signalbox-workers-run-"));
  readonly #child;
  readonly ended: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string>;

  constructor(sink: Sink, plugin?: string) {
    const file = join(this.directory, "signalbox.yaml");
    const plugins = plugin === undefined ? [] : [join(this.directory, "plugin.mjs")];
    if (plugin !== undefined) writeFileSync(join(this.directory, "plugin.mjs"), plugin);
    const strategy = plugin === undefined ? {} : { strategy: { type: "plugin", name: "own" } };
    const config = { node: { workers: 2, plugins }, default_pool: { targets: ["a"], ...strategy } };
    writeFileSync(file, completeConfig(config, { a: sink }));
    const stdio = ["ignore", "ignore", "pipe"] as const;
    this.#child = spawn(process.execPath, [BIN, "run", file], {
      cwd: this.directory,
      stdio: [...stdio],
      env: envOfRun(),
      detached: true,
    });
    this.ended = once(this.#child, "exit");
    this.#lines = createInterface({ input: this.#child.stderr })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async listens(): Promise<{ readonly grpc: string; readonly admin: string }> {
    const line = await this.logs("signalbox listens");
    return { grpc: line["otlp_grpc"] ?? "", admin: line["admin"] ?? "" };
  }

  /** The next line that says so. */
  async logs(msg: string): Promise<Readonly<Record<string, string>>> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      assert.ok(done !== true, `it ended before it said: ${msg}`);
      const line = JSON.parse(value) as Record<string, string>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- lines of the log
      if (line["msg"] === msg) return line;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

interface WorkerRow {
  readonly id: number;
  readonly pid: number;
  readonly connections: number;
  readonly items_per_second: number;
  readonly restarts: number;
}

async function workersOf(admin: string): Promise<readonly WorkerRow[]> {
  return (await callApi(admin, "/api/v1/node")).json()["workers"] as WorkerRow[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- looked at by the tests
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("workers: a signal to the whole group, as Ctrl-C sends it, is a stop in order", async () => {
  await using a = await openGrpcSink();
  await using node = new WorkersProcess(a);
  const { grpc, admin } = await node.listens();
  const workers = await workersOf(admin);
  assert.deepEqual(
    workers.map(({ id, connections, restarts }) => [id, connections, restarts]),
    [
      [1, 0, 0],
      [2, 0, 0],
    ],
  );
  await using sender = new Sender({ via: "grpc", address: grpc, source: 1, service: "s" });
  const held = Promise.withResolvers<void>();
  a.script = () => ({ kind: "held", until: held.promise, next: { kind: "ok" } });
  const sent = sender.sendOne();
  await a.until(() => a.requests.length === 1);
  process.kill(-node.pid, "SIGINT");
  held.resolve();
  assert.equal((await sent).answer.kind, "taken", "what is under way is answered");
  assert.deepEqual(await node.ended, [0, null]);
  assert.ok(workers.every(({ pid }) => !isAlive(pid)));
});

test("workers: they end when the main process is killed", async () => {
  await using a = await openGrpcSink();
  await using node = new WorkersProcess(a);
  const workers = await workersOf((await node.listens()).admin);
  assert.ok(workers.every(({ pid }) => isAlive(pid)));
  process.kill(node.pid, "SIGKILL");
  await eventually(async () => workers.every(({ pid }) => !isAlive(pid)));
});

const HANGING = `
import { writeFileSync } from "node:fs";
const pick = () => {
  writeFileSync(new URL("hangs", import.meta.url), "");
  for (;;);
};
export default ({ registerStrategy }) => registerStrategy("own", () => ({ pick, charge() {}, changed() {} }));
`;

test("workers: one that hangs is ended, too, when a second signal ends the main process at once", async () => {
  await using a = await openGrpcSink();
  await using node = new WorkersProcess(a, HANGING);
  const { grpc, admin } = await node.listens();
  const workers = await workersOf(admin);
  await using sender = new Sender({ via: "grpc", address: grpc, source: 1, service: "s" });
  const sent = sender.sendOne();
  await eventually(async () => existsSync(join(node.directory, "hangs")));
  process.kill(node.pid, "SIGTERM");
  await node.logs("signalbox stops: no longer ready, draining");
  process.kill(node.pid, "SIGTERM");
  assert.deepEqual(await node.ended, [1, null]);
  await eventually(async () => workers.every(({ pid }) => !isAlive(pid)));
  assert.equal((await sent).answer.kind, "broken");
});
