import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type FileRun, runFile, runFiles } from "./run-file.ts";

const HEAD = `import { test } from "node:test"; import { spawn } from "node:child_process";\n`;

async function run(text: string, timeoutMs?: number): Promise<FileRun & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-run-file-"));
  const file = join(folder, "it.test.mjs");
  writeFileSync(file, HEAD + text.replaceAll("FOLDER", folder));
  const place = { root: folder, folder, name: "it", env: {} };
  return { ...(await runFile(file, "it", { ...place, ...(timeoutMs !== undefined && { timeoutMs }) })), folder };
}

/** Who has ended may wait for somebody to ask how. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /u.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("run of a file: what passed, failed and was skipped is counted", async () => {
  const text = `test("a", () => {}); test("b", { skip: "why" }, () => {}); test("c", () => { throw new Error("no"); });`;
  const { folder, ok, counts, output } = await run(text);
  rmSync(folder, { recursive: true });
  assert.equal(ok, false);
  assert.deepEqual([counts.tests, counts.passed, counts.failed.length], [3, 1, 1]);
  assert.deepEqual(
    counts.skipped.map(({ name, why }) => [name, why]),
    [["b", "why"]],
  );
  assert.match(output, /✖ c .*it\.test\.mjs/u);
});

test("run of files: they share a process, and what fails is told with its file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-run-files-"));
  const texts = [`test("a", () => console.log("pid " + process.pid));`, `test("b", () => { throw new Error("no"); });`];
  const files = [...texts, texts[0]!].map((text, i) => {
    writeFileSync(join(folder, `${i}.test.mjs`), HEAD + text);
    return join(folder, `${i}.test.mjs`);
  });
  const { ok, counts, output } = await runFiles(files, "all of them", { root: folder, folder, name: "them", env: {} });
  rmSync(folder, { recursive: true });
  const pids = Array.from(output.matchAll(/pid (\d+)/gu), ([, pid]) => pid);
  assert.deepEqual([pids.length, new Set(pids).size], [2, 1]);
  assert.deepEqual([ok, counts.tests, counts.passed], [false, 3, 2]);
  assert.match(counts.failed.join(), /✖ b .*1\.test\.mjs/u);
  assert.match(output, /^✖ all of them \(2 of 3 passed/mu);
});

test("run of a file: a process left behind that holds its output does not hold the run", async () => {
  const text = `test("a", () => {
    const child = spawn("sleep", ["600"], { stdio: "inherit", detached: true });
    child.unref();
    console.log("left " + child.pid);
  });`;
  const { folder, ok, counts, output } = await run(text);
  rmSync(folder, { recursive: true });
  process.kill(Number(/left (\d+)/u.exec(output)?.[1]), "SIGKILL");
  assert.deepEqual([ok, counts.passed], [true, 1]);
});

test("run of a file: one whose process is gone too early has failed", async () => {
  const { folder, ok, counts } = await run(`test("a", () => process.kill(process.pid, "SIGKILL"));`);
  rmSync(folder, { recursive: true });
  assert.equal(ok, false);
  assert.match(counts.failed.join(), /ended by SIGKILL/u);
});

test("run of a file: what fails after its test has ended is told", async () => {
  const text = `test("a", () => void setImmediate(() => { throw new Error("too late"); }));
test("b", () => new Promise((resolve) => setTimeout(resolve, 50)));`;
  const { folder, ok, counts } = await run(text);
  rmSync(folder, { recursive: true });
  assert.equal(ok, false);
  assert.match(counts.failed.join(), /exit code 1\n.*too late/u);
});

test("run of a file: one that does not end is killed with all that it began", {
  skip: process.platform !== "linux",
}, async () => {
  const text = `import { writeFileSync } from "node:fs";
test("a", () => writeFileSync("FOLDER/pid", String(spawn("sleep", ["600"]).pid)));`;
  const { folder, ok, counts } = await run(text, 10_000);
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  rmSync(folder, { recursive: true });
  assert.equal(ok, false);
  assert.match(counts.failed.join(), /did not end within 10 s/u);
  assert.match(counts.failed.join(), new RegExp(`${pid} . \\d+ ms sleep 600`, "u"));
  while (isRunning(pid)) await setImmediate();
});
