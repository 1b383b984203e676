import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { patient, silent, startMoved, WatchScene } from "../../test/support/watch-scene.ts";
import { fileStateOf } from "./file-state.ts";

for (const [how, options] of [
  ["reports of the file system", patient],
  ["the poll alone", silent],
] as const) {
  test(`by ${how}: a plain edit`, async () => {
    await using scene = new WatchScene();
    writeFileSync(scene.file, "one");
    scene.start(options);
    await scene.newest("one");
    writeFileSync(scene.file, "two");
    await scene.newest("two");
    assert.deepEqual(scene.told, ["one", "two"]);
  });

  test(`by ${how}: another file renamed over it, again and again`, async () => {
    await using scene = new WatchScene();
    writeFileSync(scene.file, "0");
    scene.start(options);
    await scene.newest("0");
    for (const text of ["1", "2", "3"]) {
      writeFileSync(`${scene.file}.new`, text);
      renameSync(`${scene.file}.new`, scene.file);
      await scene.newest(text);
    }
  });

  test(`by ${how}: the swap of a symlink to a directory, as Kubernetes does it`, async () => {
    await using scene = new WatchScene();
    const at = (name: string): string => join(scene.directory, name);
    for (const [name, text] of [
      ["v1", "one"],
      ["v2", "two"],
    ] as const) {
      mkdirSync(at(name));
      writeFileSync(join(at(name), "signalbox.yaml"), text);
    }
    symlinkSync("v1", at("..data"));
    symlinkSync("..data/signalbox.yaml", scene.file);
    scene.start(options);
    await scene.newest("one");
    symlinkSync("v2", at("..tmp"));
    renameSync(at("..tmp"), at("..data"));
    await scene.newest("two");
    rmSync(at("v1"), { recursive: true });
    writeFileSync(join(at("v2"), "signalbox.yaml"), "edited behind the link");
    await scene.newest("edited behind the link");
  });

  test(`by ${how}: removal is told once, and the return of the file is taken up`, async () => {
    await using scene = new WatchScene();
    writeFileSync(scene.file, "one");
    scene.start(options);
    await scene.newest("one");
    rmSync(scene.file);
    await scene.newest("gone");
    writeFileSync(`${scene.file}.other`, "makes another report");
    writeFileSync(scene.file, "back");
    await scene.newest("back");
    assert.deepEqual(scene.told, ["one", "gone", "back"]);
  });
}

test("a file that is being written is not taken up half: only what it holds when it was left alone", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "old");
  const clock = new ManualClock();
  scene.start({ clock, known: "old", settleMs: 10, ...patient, ...silent });
  const looked = async (): Promise<void> => {
    while (clock.pending < 2) await setImmediate(); // the poll, and the look that follows a look that found a change
  };
  const handle = openSync(scene.file, "w");
  for (let piece = 0; piece < 10; piece++) {
    await looked();
    writeSync(handle, `${piece};`);
    clock.advance(10);
  }
  closeSync(handle);
  await looked();
  assert.deepEqual(scene.told, []);
  clock.advance(10);
  await scene.newest("0;1;2;3;4;5;6;7;8;9;");
  assert.equal(scene.told.length, 1);
});

test("an edit is taken up when it was left alone for so long, counted from soon after it is reported", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "old");
  const { clock, report } = await startMoved(scene);
  writeFileSync(scene.file, "new");
  report();
  report();
  clock.advance(5);
  while (clock.pending < 2) await setImmediate(); // the poll, and the look that follows one that found a change
  clock.advance(29);
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.deepEqual(scene.told, []);
  clock.advance(1);
  await scene.newest("new");
});

test("what is running already is not told again, nor the same bytes under a new date", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "one");
  const watch = scene.start({ known: "one" });
  writeFileSync(scene.file, "one");
  writeFileSync(`${scene.file}.new`, "one");
  renameSync(`${scene.file}.new`, scene.file);
  await watch.force();
  assert.deepEqual(scene.told, ["one"], "only the forced look tells it");
  writeFileSync(scene.file, "two");
  await scene.newest("two");
  assert.deepEqual(scene.told, ["one", "two"]);
});

test("what this process wrote itself is not told, and an edit after it is", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "one");
  const watch = scene.start({ known: "one" });
  for (let round = 0; round < 20; round++) {
    writeFileSync(`${scene.file}.new`, `own ${round}`);
    renameSync(`${scene.file}.new`, scene.file);
    watch.expect(`own ${round}`, round % 2 === 0 ? fileStateOf(statSync(scene.file, { bigint: true })) : "");
    if (round % 4 === 0) await setImmediate();
  }
  writeFileSync(scene.file, "two");
  await scene.newest("two");
  assert.deepEqual(scene.told, ["two"]);
});

test("what this process wrote itself is not even read, until somebody touches the file", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "one");
  const clock = new ManualClock();
  const watch = scene.start({ ...silent, clock, known: "one" });
  await watch.force();
  const state = (): string => fileStateOf(statSync(scene.file, { bigint: true }));
  const polls = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      clock.advance(50);
      for (let turns = 0; turns < 20; turns++) await setImmediate();
    }
  };
  writeFileSync(`${scene.file}.new`, "own");
  renameSync(`${scene.file}.new`, scene.file);
  watch.expect("said to be something else, which reading it would tell", state());
  await polls();
  assert.deepEqual(scene.told, ["one"]);
  const before = state();
  while (state() === before) utimesSync(scene.file, new Date(), new Date());
  while (scene.told.length < 2) await polls();
  assert.deepEqual(scene.told, ["one", "own"]);
});

test("one at a time: changes during a slow taking over are taken up after it, and the newest wins", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "0");
  const gate = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  scene.start({
    onContent: async (text) => {
      most = Math.max(most, ++running);
      scene.tell(text);
      if (text === "0") await gate.promise;
      running--;
      return true;
    },
  });
  await scene.newest("0");
  for (const text of ["1", "2", "3"]) writeFileSync(scene.file, text);
  gate.resolve();
  await scene.newest("3");
  assert.equal(most, 1);
  assert.deepEqual(scene.told, ["0", "3"]);
});

test("what could not be dealt with is told again at the polls, a few times, and anything newer as often", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "one");
  const clock = new ManualClock();
  scene.start({
    ...silent,
    clock,
    known: "one",
    onContent: async (text) => {
      scene.tell(text);
      return text === "three" && scene.told.filter((one) => one === text).length === 2;
    },
  });
  const polls = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      clock.advance(50);
      for (let turns = 0; turns < 20; turns++) await setImmediate();
    }
  };
  await polls(4);
  writeFileSync(scene.file, "two");
  while (scene.told.length < 4) await polls(1);
  await polls(10);
  writeFileSync(scene.file, "three");
  while (scene.told.length < 6) await polls(1);
  await polls(10);
  assert.deepEqual(scene.told, ["two", "two", "two", "two", "three", "three"]);
});

test("a file that never was is told as unreadable, and its directory may come later", async () => {
  await using scene = new WatchScene();
  const file = join(scene.directory, "later", "signalbox.yaml");
  scene.start({ file });
  await scene.newest("gone");
  mkdirSync(join(scene.directory, "later"));
  writeFileSync(file, "here");
  await scene.newest("here");
});

test("nothing is told after the watch was closed", async () => {
  await using scene = new WatchScene();
  writeFileSync(scene.file, "one");
  const watch = scene.start();
  await scene.newest("one");
  await watch[Symbol.asyncDispose]();
  writeFileSync(scene.file, "two");
  await watch.force();
  assert.deepEqual(scene.told, ["one"]);
});

test("a pipe is read once, at the start: nothing is told of it, unless somebody asks for another look", async () => {
  await using scene = new WatchScene();
  execFileSync("mkfifo", [scene.file]);
  const clock = new ManualClock();
  const watch = scene.start({ ...silent, clock, known: "a" });
  for (let i = 0; i < 50; i++) {
    clock.advance(50);
    await setImmediate();
  }
  assert.deepEqual(scene.told, []);
  await watch.force();
  assert.match(scene.told.join("\n"), /no regular file/u);
});
