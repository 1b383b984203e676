import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import type { TruthNews } from "./config-truth.ts";
import { FileTruth } from "./file-truth.ts";

class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-truth-"));
  readonly file = join(this.folder, "signalbox.yaml");
  readonly truth: FileTruth;

  constructor() {
    writeFileSync(this.file, "one");
    this.truth = new FileTruth({ file: this.file, clock: systemClock, known: "one" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.truth[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const signal = new AbortController().signal;

async function next(news: AsyncIterator<TruthNews>): Promise<string> {
  const { value } = (await news.next()) as IteratorResult<TruthNews, undefined>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the library says any
  return value === undefined ? "end" : value.kind === "document" ? value.text : value.kind;
}

test("file truth: what is read and watched is the file's content, and an edit is told once", async () => {
  await using scene = new Scene();
  const read = await scene.truth.read({ signal });
  assert.deepEqual(read, { kind: "document", version: undefined, text: "one" });
  const news = scene.truth.watch({ signal });
  const first = next(news);
  writeFileSync(scene.file, "two");
  assert.equal(await first, "two");
  const second = next(news);
  writeFileSync(scene.file, "three");
  assert.equal(await second, "three");
  await news.return(undefined);
});

test("file truth: what was written beside the file more than a minute ago, and never put in, is removed", async () => {
  await using scene = new Scene();
  const [old, young] = ["0123456789ab", "ba9876543210"].map((id) => `${scene.file}.${id}.tmp`);
  for (const [file = "", seconds] of [[old, 61] as const, [young, 30] as const]) {
    writeFileSync(file, "");
    utimesSync(file, Date.now() / 1_000 - seconds, Date.now() / 1_000 - seconds);
  }
  await using _ = new FileTruth({ file: scene.file, clock: systemClock, known: "one" });
  assert.deepEqual(
    [old, young].map((file = "") => existsSync(file)),
    [false, true],
  );
});

test("file truth: what could not be dealt with is told once more", async () => {
  await using scene = new Scene();
  writeFileSync(scene.file, "two");
  const told: string[] = [];
  for await (const news of scene.truth.watch({ signal })) {
    assert.ok(news.kind === "document");
    told.push(news.text);
    if (told.length === 2) break;
    news.again();
  }
  assert.deepEqual(told, ["two", "two"]);
});

test("file truth: what is proposed is in the file, is not told as an edit, and can be withdrawn", async () => {
  await using scene = new Scene();
  const news = scene.truth.watch({ signal });
  const told = next(news);
  const taken = await scene.truth.propose({ expected: { version: 1, text: "one" }, text: "two" });
  assert.ok(taken.kind === "taken");
  assert.deepEqual([taken.version, readFileSync(scene.file, "utf8")], [undefined, "two"]);
  await taken.withdraw();
  assert.equal(readFileSync(scene.file, "utf8"), "one");
  writeFileSync(scene.file, "by hand");
  const refused = await scene.truth.propose({ expected: { version: 1, text: "one" }, text: "two" });
  assert.deepEqual([refused.kind, await told], ["changed", "by hand"]);
  await news.return(undefined);
});

test("file truth: its watch ends when it is closed, whoever still works on what it told", async () => {
  await using scene = new Scene();
  const news = scene.truth.watch({ signal });
  const told = next(news);
  writeFileSync(scene.file, "two");
  assert.equal(await told, "two");
  await scene.truth[Symbol.asyncDispose]();
  assert.equal(await next(news), "end");
});
