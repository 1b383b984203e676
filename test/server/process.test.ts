import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { envOfRun } from "../support/env-of-run.ts";
import { configText } from "./scene.ts";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));

/** `signalbox run` as people start it, on free ports. */
class NodeProcess implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "signalbox-run-"));
  readonly file = join(this.directory, "signalbox.yaml");
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<number | null>;

  constructor(text: string) {
    writeFileSync(this.file, text);
    this.#child = spawn(process.execPath, [BIN, "run"], {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: envOfRun(),
    });
    this.#lines = createInterface({ input: this.#child.stderr })[Symbol.asyncIterator]();
    this.ended = new Promise((resolve) => void this.#child.on("close", resolve));
  }

  /** Reads the log up to the line with this message. */
  async logged(msg: string): Promise<Record<string, unknown>> {
    const seen: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`the log ended without "${msg}":\n${seen.join("\n")}`);
      seen.push(value);
      const line: Record<string, unknown> = JSON.parse(value);
      if (line["msg"] === msg) return line;
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test("run: tells where it listens, applies an edit and a SIGHUP, and ends with 0 on SIGTERM", async () => {
  await using node = new NodeProcess(configText());
  const { admin, otlp_grpc: grpc } = await node.logged("signalbox listens");
  const view: Record<string, unknown> = JSON.parse(await (await fetch(`http://${String(admin)}/api/v1/node`)).text());
  const off = { otlp_http: null, fleet: null, sampling_http: null, sampling_grpc: null };
  assert.deepEqual(view["addresses"], { otlp_grpc: grpc, admin, ...off });
  const workers = view["workers"] as { id: number; pid: number }[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- looked at below
  assert.deepEqual(
    workers.map(({ id, pid }) => [id, pid === view["pid"], isAlive(pid)]),
    [[1, false, true]],
    "one worker where the config says nothing of them",
  );
  assert.match(String(grpc), /^127\.0\.0\.1:[1-9]\d*$/u);

  writeFileSync(`${node.file}.new`, configText("targets: [{ id: other, endpoint: http://127.0.0.1:14317 }]"));
  renameSync(`${node.file}.new`, node.file);
  assert.equal((await node.logged("config applied"))["version"], 2);
  const targets: { id: string }[] = JSON.parse(await (await fetch(`http://${String(admin)}/api/v1/targets`)).text());
  assert.deepEqual(
    targets.map(({ id }) => id),
    ["other"],
  );
  node.kill("SIGHUP");
  assert.equal((await node.logged("config applied"))["version"], 3);

  node.kill("SIGTERM");
  await node.logged("signalbox stopped");
  assert.equal(await node.ended, 0);
  assert.ok(workers.every(({ pid }) => !isAlive(pid)));
});

test("run: a port that is taken ends it with 1, whichever listener wants it", async () => {
  await using first = new NodeProcess(configText());
  const listens = await first.logged("signalbox listens");
  for (const listener of ["admin", "otlp_grpc"]) {
    const free = `${listener}: { address: "127.0.0.1:0" }`;
    assert.ok(configText().includes(free));
    const taken = `${listener}: { address: "${String(listens[listener])}" }`;
    await using second = new NodeProcess(configText().replace(free, taken));
    assert.equal(await second.ended, 1, listener);
  }
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
