import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { open as openFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ProcessSignals, runNode } from "../../src/server/run.ts";
import type { RunningNode } from "../../src/server/running-node.ts";
import { envOfRun } from "../support/env-of-run.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { configText, Scene } from "./scene.ts";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));
const LEAVE = new URL("../../src/cli/process.ts", import.meta.url).href;

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "signalbox-hang-"));
  readonly pipe = join(this.path, "pipe");

  constructor() {
    execFileSync("mkfifo", [this.pipe]);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

test("a config that comes by a pipe is read once, and SIGTERM ends the process with 0", async () => {
  using folder = new Folder();
  const child = spawn(process.execPath, [BIN, "run", "-c", folder.pipe], {
    stdio: ["ignore", "ignore", "pipe"],
    env: envOfRun(),
  });
  const lines: string[] = [];
  const ended = once(child, "close");
  try {
    await writeFile(folder.pipe, configText());
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (line.includes("signalbox starts")) child.kill("SIGTERM"); // before it listens: the signal is waited for from the beginning
    }
    assert.deepEqual(await ended, [0, null]);
    assert.match(lines.at(-1) ?? "", /signalbox stopped/u);
    assert.deepEqual(
      lines.filter((line) => line.includes('"error"')),
      [],
    );
  } finally {
    child.kill("SIGKILL");
  }
});

test("SIGHUP while the config is read is for the node that is to begin, and does not end the process", async () => {
  using folder = new Folder();
  const child = spawn(process.execPath, [BIN, "run", "-c", folder.pipe], {
    stdio: ["ignore", "ignore", "pipe"],
    env: envOfRun(),
  });
  const ended = once(child, "close");
  try {
    await using pipe = await openFile(folder.pipe, "w"); // which waits for who reads it
    child.kill("SIGHUP");
    await pipe.writeFile(configText());
    await pipe.close();
    for await (const line of createInterface({ input: child.stderr }))
      if (line.includes("signalbox listens")) child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});

const ENDS = [
  { name: "a call of a file system hangs: it is killed", hangs: true, want: [null, "SIGKILL"] },
  { name: "nothing hangs: it ends with its code", hangs: false, want: [3, null] },
] as const;
for (const { name, hangs, want } of ENDS) {
  test(`a process leaves although ${name}`, async () => {
    using folder = new Folder();
    const open = `import("node:fs/promises").then(({ open }) => open(${JSON.stringify(folder.pipe)}, "r"))`;
    const script = `import { leave } from ${JSON.stringify(LEAVE)}; ${hangs ? `${open};` : ""} setTimeout(() => leave(3), 100);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    assert.deepEqual(await once(child, "close"), want);
  });
}

test("a stop that hangs ends the process within 5 s after the grace, with 1", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText(undefined, "  shutdown_grace: 9s"));
  const clock = new ManualClock();
  const hanging: RunningNode = Object.create(node, {
    env: { value: { ...node.env, clock } },
    stop: { value: () => new Promise(() => undefined) },
  });
  const exits: number[] = [];
  const events = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  using signals = new ProcessSignals(events, { log: node.env.log, clock, graceMs: 9_000 });
  const ended = runNode(hanging, signals);
  events.emit("SIGTERM", "SIGTERM");
  await new Promise(setImmediate);
  clock.advance(9_000);
  await new Promise(setImmediate);
  assert.deepEqual(exits, []);
  clock.advance(5_000);
  assert.equal(await ended, 1);
  assert.deepEqual(exits, [1]);
});

test("nothing is applied from the moment a stop begins, and everything can still be asked for", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const drain = Promise.withResolvers<void>();
  scene.plane.drain = drain.promise;
  const stopping = node.stop();
  const change = (): Promise<{ readonly kind: string }> => node.walk.change(() => assert.fail("nobody is asked"));
  assert.equal((await change()).kind, "stopping");
  assert.equal((await node.walk.apply(configText(undefined, "  shutdown_grace: 7s"))).kind, "failed");
  drain.resolve();
  await stopping;
  assert.equal((await change()).kind, "stopping");
  const { version, targets } = await node.dataPlane.status();
  assert.deepEqual([node.walk.status.version, version], [1, 1]);
  assert.equal(targets.length >= 0, true);
});
