import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createLog } from "../../telemetry/log.ts";
import type { VersionInfo } from "./entry.ts";
import { type ConfigHistory, HISTORY_LIMITS, type HistoryLimits, openHistory } from "./history.ts";

class Scene implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-history-"));
  directory = join(this.folder, "data", "config-history");
  readonly lines: string[] = [];
  readonly clock = new ManualClock();

  open(limits: Partial<HistoryLimits> = {}): Promise<ConfigHistory> {
    const write = (line: string): void => void this.lines.push(line);
    const log = createLog({ clock: new ManualClock(), write, level: "info", format: "json", colour: false });
    return openHistory({ directory: this.directory, clock: this.clock, log, limits: { ...HISTORY_LIMITS, ...limits } });
  }

  file(version: number): string {
    return join(this.directory, `${String(version).padStart(10, "0")}.version`);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function info(version: number): VersionInfo {
  return { version, digest: `d${version}`, appliedMs: version * 1_000, by: "api", summary: `change ${version}` };
}

async function fill(history: ConfigHistory, versions: number, text = (n: number) => `a: ${n}\n`): Promise<void> {
  for (let n = 1; n <= versions; n++) await history.add(info(n), text(n));
}

const numbersOf = ({ versions }: ConfigHistory): number[] => versions.map(({ version }) => version);

test("history: versions and their documents are there after a restart, newest first", async () => {
  using scene = new Scene();
  await fill(await scene.open(), 3, (n) => `# é\r\na: ${n}\n\n`);
  const again = await scene.open();
  assert.deepEqual(again.versions, [info(3), info(2), info(1)]);
  assert.equal(await again.text(2), "# é\r\na: 2\n\n");
  assert.equal(await again.text(4), undefined);
  assert.deepEqual(scene.lines, []);
});

test("history: only the owner may read it", async () => {
  using scene = new Scene();
  await fill(await scene.open(), 1);
  assert.deepEqual([statSync(scene.file(1)).mode & 0o777, statSync(scene.directory).mode & 0o777], [0o600, 0o700]);
});

const bounds: [string, Partial<HistoryLimits>, number[]][] = [
  ["by count", { versions: 3 }, [6, 5, 4]],
  ["by bytes", { bytes: 250 }, [6, 5]],
  ["but the newest always stays", { bytes: 10 }, [6]],
];
for (const [name, limits, want] of bounds) {
  test(`history: the oldest are forgotten, ${name}, on disk too`, async () => {
    using scene = new Scene();
    const history = await scene.open(limits);
    await fill(history, 6, () => "x".repeat(100));
    assert.deepEqual(numbersOf(history), want);
    assert.equal(readdirSync(scene.directory).length, want.length);
    assert.equal(await history.text(1), undefined);
  });
}

test("history: a smaller limit holds for what is there already", async () => {
  using scene = new Scene();
  await fill(await scene.open(), 6);
  assert.deepEqual(numbersOf(await scene.open({ versions: 2 })), [6, 5]);
  assert.equal(readdirSync(scene.directory).length, 2);
});

const damages: [string, (content: Buffer) => Buffer | string][] = [
  ["torn", (content) => content.subarray(0, content.length - 3)],
  ["empty", () => ""],
  [
    "changed in one byte",
    (content) => Buffer.from(content.map((byte, i) => (i === content.length - 2 ? byte ^ 1 : byte))),
  ],
  ["no entry at all", () => "hello\n{}\n"],
  ["not text", () => Buffer.from([0xff, 0xfe, 0, 1, 2])],
];
for (const [name, damage] of damages) {
  test(`history: an entry that is ${name} is left out and told, the others are there`, async () => {
    using scene = new Scene();
    await fill(await scene.open(), 3);
    writeFileSync(scene.file(2), damage(readFileSync(scene.file(2))));
    const again = await scene.open();
    assert.deepEqual(numbersOf(again), [3, 1]);
    assert.match(scene.lines.join(""), /its file is damaged.*0000000002\.version/u);
    writeFileSync(scene.file(3), "");
    assert.equal((await scene.open()).lastVersion, 3, "its number is not given again");
  });
}

test("history: an entry that is damaged while the node runs is told when it is asked for", async () => {
  using scene = new Scene();
  const history = await scene.open();
  await fill(history, 2);
  writeFileSync(scene.file(1), "x");
  assert.equal(await history.text(1), undefined);
  assert.match(scene.lines.join(""), /cannot be read any more/u);
});

test("history: what a write left in the middle is cleared away, other files are left alone", async () => {
  using scene = new Scene();
  await fill(await scene.open(), 1);
  writeFileSync(`${scene.file(2)}.0123456789ab.tmp`, "half");
  writeFileSync(join(scene.directory, "README"), "mine");
  assert.deepEqual(numbersOf(await scene.open()), [1]);
  assert.deepEqual(readdirSync(scene.directory).toSorted(), ["0000000001.version", "README"]);
});

test("history: without a directory that can be used it is in memory, bounded, and the log says so", async () => {
  using scene = new Scene();
  writeFileSync(join(scene.folder, "data"), "a file where a directory is to be");
  const history = await scene.open({ memoryBytes: 250 });
  await fill(history, 4, () => "x".repeat(100));
  assert.deepEqual([numbersOf(history), await history.text(3)], [[4, 3], "x".repeat(100)]);
  assert.match(scene.lines.join(""), /"level":"error".*in memory only/u);
});

test("history: a version that cannot be written is kept in memory", async () => {
  using scene = new Scene();
  const history = await scene.open();
  await fill(history, 1);
  mkdirSync(scene.file(2)); // nothing can be renamed over a directory
  await history.add(info(2), "a: 2\n");
  assert.deepEqual([await history.text(2), await history.text(1)], ["a: 2\n", "a: 1\n"]);
  assert.match(scene.lines.join(""), /in memory only: it cannot be written/u);
  assert.ok(readdirSync(scene.directory).every((name) => !name.endsWith(".tmp")));
});

test("a version whose file never answers holds up nobody: the history is kept in memory", async () => {
  using scene = new Scene();
  mkdirSync(scene.directory, { recursive: true });
  execFileSync("mkfifo", [scene.file(1)]); // reading it waits for somebody who writes
  try {
    const opened = scene.open();
    const history = await passing(scene.clock, opened);
    assert.deepEqual([history.versions, history.lastVersion], [[], 1]);
    await history.add(info(2), "a: 2\n");
    assert.deepEqual([numbersOf(history), await history.text(2)], [[2], "a: 2\n"]);
    assert.match(scene.lines.join(""), /"level":"error".*in memory only.*does not answer within 3 s/u);
  } finally {
    writeFileSync(scene.file(1), ""); // lets go of the thread that reads
  }
});

/** What the work gives, whatever time it waits for. */
async function passing<Result>(clock: ManualClock, work: Promise<Result>): Promise<Result> {
  const state = { ended: false };
  void work.finally(() => (state.ended = true));
  while (!state.ended) {
    await new Promise(setImmediate);
    clock.advance(1);
  }
  return work;
}
