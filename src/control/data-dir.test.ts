import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { createLog } from "../telemetry/log.ts";
import { openDataDir, type TryDirectory } from "./data-dir.ts";

class Scene implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-data-"));
  readonly clock = new ManualClock();
  readonly lines: string[] = [];

  open(directory: string, tryOut?: TryDirectory): Promise<boolean> {
    const { clock } = this;
    const write = (line: string): void => void this.lines.push(line);
    const log = createLog({ clock, write, level: "info", format: "json", colour: false });
    return openDataDir(directory, { clock, log, ...(tryOut && { tryOut }) });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

test("a directory that can be used is made, and nothing stays in it", async () => {
  using scene = new Scene();
  const directory = join(scene.folder, "a", "b");
  assert.equal(await scene.open(directory), true);
  assert.deepEqual([readdirSync(directory), scene.lines, scene.clock.pending], [[], [], 0]);
});

test("one that refuses is told as an error with its mend", async () => {
  using scene = new Scene();
  const file = join(scene.folder, "file");
  writeFileSync(file, "");
  assert.equal(await scene.open(join(file, "data")), true, "what can be read of it is");
  assert.match(scene.lines.join(""), /"level":"error".*node\.data_dir cannot be used.*ENOTDIR.*local disk/u);
  const refusing = async (): Promise<void> => Promise.reject(new Error("EROFS: read-only file system"));
  assert.equal(await scene.open(scene.folder, refusing), true);
  assert.match(scene.lines[1] ?? "", /EROFS/u);
});

test("one that never answers is given up after three seconds, and not touched any more", async () => {
  using scene = new Scene();
  const opened = scene.open(scene.folder, () => new Promise(() => undefined));
  scene.clock.advance(3_000);
  assert.equal(await opened, false);
  assert.match(scene.lines.join(""), /"level":"error".*does not answer within 3 s/u);
});
