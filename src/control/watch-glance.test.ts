import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { startMoved, WatchScene } from "../../test/support/watch-scene.ts";
import { fileStateOf } from "./file-state.ts";

test("what a file holds that changed is glanced at while its writer is waited for, and is told after that", async () => {
  await using scene = new WatchScene();
  const { clock, report, glanced, glances } = await startMoved(scene);
  for (const text of ["new", "newer"]) {
    writeFileSync(scene.file, text);
    report();
    clock.advance(5);
    await glances(scene.told.length + 1);
    assert.notEqual(scene.told.at(-1), text);
    clock.advance(30);
    await scene.newest(text);
  }
  assert.deepEqual(
    [scene.told, glanced],
    [
      ["new", "newer"],
      ["new", "newer"],
    ],
  );
});

test("of a file that changes on and on two contents are glanced at, and the last one is told", async () => {
  await using scene = new WatchScene();
  const { clock, report, glanced, glances } = await startMoved(scene);
  for (let step = 1; step <= 100; step++) {
    writeFileSync(scene.file, `${step}`);
    if (step === 1) report();
    clock.advance(step === 1 ? 5 : 30);
    while (clock.pending < 2) await setImmediate();
    await glances(Math.min(step, 2));
    for (let turn = 0; turn < 20; turn++) await setImmediate(); // in which a third could be read
  }
  assert.deepEqual(scene.told, []);
  clock.advance(30);
  await scene.newest("100");
  assert.deepEqual([scene.told, glanced], [["100"], ["1", "2"]]);
  writeFileSync(scene.file, "later");
  report();
  clock.advance(5);
  await glances(3);
  assert.deepEqual([scene.told, glanced[2]], [["100"], "later"]);
});

test("what was glanced at and is gone before it was left alone is not told: who reads it finds what is there", async () => {
  await using scene = new WatchScene();
  const { clock, report, glanced, glances } = await startMoved(scene);
  writeFileSync(scene.file, "half a");
  report();
  clock.advance(5);
  await glances(1);
  rmSync(scene.file);
  clock.advance(30);
  while (clock.pending < 2) await setImmediate();
  clock.advance(30);
  await scene.newest("gone");
  execFileSync("mkfifo", [scene.file]);
  report();
  clock.advance(5);
  while (clock.pending < 2) await setImmediate();
  clock.advance(30);
  while (scene.told.length < 2) await setImmediate();
  assert.match(scene.told[1] ?? "", /no regular file/u);
  assert.deepEqual(glanced, ["half a"]);
});

test("what was glanced at is not told when this process writes the file before it was left alone", async () => {
  await using scene = new WatchScene();
  const { watch, clock, report, glances } = await startMoved(scene);
  writeFileSync(scene.file, "by hand");
  report();
  clock.advance(5);
  await glances(1);
  writeFileSync(`${scene.file}.new`, "own");
  renameSync(`${scene.file}.new`, scene.file);
  watch.expect("own", fileStateOf(statSync(scene.file, { bigint: true })));
  clock.advance(30);
  writeFileSync(scene.file, "by hand again");
  report();
  clock.advance(5);
  await glances(2);
  clock.advance(30);
  await scene.newest("by hand again");
  assert.deepEqual(scene.told, ["by hand again"]);
});

test("whoever forces a look while the file is glanced at is told its content, and nobody is told it again", async () => {
  await using scene = new WatchScene();
  const { watch, clock, report, glances } = await startMoved(scene);
  writeFileSync(scene.file, "new");
  report();
  clock.advance(5);
  await watch.force();
  assert.deepEqual(scene.told, ["new"]);
  clock.advance(30);
  writeFileSync(scene.file, "newer");
  report();
  clock.advance(5);
  await glances(2);
  clock.advance(30);
  await scene.newest("newer");
  assert.deepEqual(scene.told, ["new", "newer"]);
});

test("nothing is glanced at once the watch was closed, be it while the file is read", async () => {
  await using scene = new WatchScene();
  const { watch, clock, report, glanced } = await startMoved(scene);
  writeFileSync(scene.file, "new");
  report();
  clock.advance(5);
  while (clock.pending < 2) await setImmediate(); // the poll, and the look that follows: the file is being read
  await watch[Symbol.asyncDispose]();
  assert.deepEqual([scene.told, glanced], [[], []]);
});
