import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openConfigFile, removeLeftovers } from "./config-file.ts";
import { fileStateOf } from "./file-state.ts";

class Scene implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-file-"));
  readonly file = join(this.folder, "signalbox.yaml");
  readonly written: string[] = [];
  readonly config = openConfigFile(this.file, (text, state) => {
    assert.equal(state, fileStateOf(statSync(this.file, { bigint: true })));
    this.written.push(text);
  });

  constructor() {
    writeFileSync(this.file, "one");
  }

  get text(): string {
    return readFileSync(this.file, "utf8");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

test("config file: replaced as a whole, with its mode, and nothing is left beside it", async () => {
  using scene = new Scene();
  chmodSync(scene.file, 0o664);
  assert.equal((await scene.config.replace("one", "two")).kind, "written");
  assert.deepEqual([scene.text, scene.written, readdirSync(scene.folder)], ["two", ["two"], ["signalbox.yaml"]]);
  assert.equal(statSync(scene.file).mode & 0o777, 0o664);
});

test("config file: what is not as expected is left alone", async () => {
  using scene = new Scene();
  writeFileSync(scene.file, "by hand");
  assert.deepEqual(await scene.config.replace("one", "two"), { kind: "changed" });
  assert.deepEqual([scene.text, scene.written, readdirSync(scene.folder)], ["by hand", [], ["signalbox.yaml"]]);
});

test("config file: a long one is compared and written piece by piece, to its last byte", async () => {
  using scene = new Scene();
  const [long, next] = ["\u{1F684}x\u00e9\n".repeat(30_000), "\u00e9\u{1F684}\n".repeat(40_000)];
  for (const other of [`${long}y`, long.slice(0, -1), `y${long.slice(1)}`, ""]) {
    writeFileSync(scene.file, other);
    assert.deepEqual(await scene.config.replace(long, next), { kind: "changed" });
  }
  const [a, b] = ["a".repeat(65_536), "b".repeat(65_536)];
  writeFileSync(scene.file, b + a);
  assert.deepEqual(await scene.config.replace(a + b, next), { kind: "changed" }, "the same pieces in another order");
  writeFileSync(scene.file, long);
  assert.equal((await scene.config.replace(long, next)).kind, "written");
  assert.ok(scene.text === next);
});

test("config file: what is staged is what is put in, and nothing of it is left where it is not", async () => {
  using scene = new Scene();
  const others = (): string[] => readdirSync(scene.folder).filter((name) => name !== "signalbox.yaml");
  {
    await using begun = new AsyncDisposableStack();
    begun.use(scene.config.stage("two"));
    while (others().length === 0) await new Promise(setImmediate);
    const [temporary = ""] = others();
    const { ino } = statSync(join(scene.folder, temporary));
    assert.equal((await scene.config.replace("one", "two")).kind, "written");
    assert.equal(statSync(scene.file).ino, ino);
  }
  {
    await using begun = new AsyncDisposableStack();
    begun.use(scene.config.stage("three"));
    assert.equal((await scene.config.replace("two", "other")).kind, "written");
  }
  {
    await using begun = new AsyncDisposableStack();
    begun.use(scene.config.stage("three"));
    writeFileSync(scene.file, "by hand");
    assert.deepEqual(await scene.config.replace("other", "three"), { kind: "changed" });
  }
  assert.deepEqual([scene.text, others()], ["by hand", []]);
});

test("config file: the mode is that of the file when what was staged is put in; of two staged, none is left", async () => {
  using scene = new Scene();
  chmodSync(scene.file, 0o644);
  {
    await using begun = new AsyncDisposableStack();
    begun.use(scene.config.stage("never"));
    begun.use(scene.config.stage("two"));
    while (readdirSync(scene.folder).length < 3) await new Promise(setImmediate);
    chmodSync(scene.file, 0o600);
    assert.equal((await scene.config.replace("one", "two")).kind, "written");
  }
  assert.deepEqual([scene.text, statSync(scene.file).mode & 0o777], ["two", 0o600]);
  assert.deepEqual(readdirSync(scene.folder), ["signalbox.yaml"]);
});

test("config file: what is staged beside one file is not put in another one", async () => {
  using scene = new Scene();
  const [link, other] = [join(scene.folder, "link.yaml"), join(scene.folder, "other.yaml")];
  writeFileSync(other, "one");
  symlinkSync("signalbox.yaml", link);
  const config = openConfigFile(link, () => {});
  await using begun = new AsyncDisposableStack();
  begun.use(config.stage("two"));
  rmSync(link);
  symlinkSync("other.yaml", link);
  assert.equal((await config.replace("one", "two")).kind, "written");
  assert.deepEqual([scene.text, readFileSync(other, "utf8")], ["one", "two"]);
  assert.equal(readdirSync(scene.folder).length, 3);
});

test("config file: what a process that was killed has left beside it is removed, and nothing else", () => {
  using scene = new Scene();
  const left = "signalbox.yaml.0123456789ab.tmp";
  const others = ["signalbox.yaml.old.0123456789ab.tmp", "signalbox.yaml.tmp", "x.0123456789ab.tmp"];
  for (const name of [left, ...others]) writeFileSync(join(scene.folder, name), "");
  const { mtimeMs } = statSync(join(scene.folder, left));
  removeLeftovers(scene.file, mtimeMs - 1);
  assert.equal(readdirSync(scene.folder).length, 5);
  removeLeftovers(scene.file, Infinity);
  assert.deepEqual(readdirSync(scene.folder).toSorted(), ["signalbox.yaml", ...others]);
  removeLeftovers(join(scene.folder, "none", "signalbox.yaml"), Infinity);
});

test("config file: bytes that are not UTF-8 are compared as they were read", async () => {
  for (const bytes of ["# na\xefve\none: 1\n", `${"x".repeat(65_535)}\xe9\xe9`, "\xef\xbb\xbfone", "\xc3"]) {
    using scene = new Scene();
    writeFileSync(scene.file, bytes, "latin1");
    assert.deepEqual(await scene.config.replace(`${scene.text}\ufffd`, "two"), { kind: "changed" });
    assert.equal((await scene.config.replace(scene.text, "two")).kind, "written");
  }
});

test("config file: an edit by hand while it is being replaced is not lost", async () => {
  for (let turn = 0; turn < 20; turn++) {
    using scene = new Scene();
    const replaced = scene.config.replace("one", "two");
    for (let i = 0; i < turn; i++) await new Promise(setImmediate);
    const before = scene.text;
    writeFileSync(scene.file, "by hand");
    const { kind } = await replaced;
    assert.equal(scene.text, "by hand");
    assert.equal(kind, before === "two" ? "written" : "changed");
    assert.deepEqual(readdirSync(scene.folder), ["signalbox.yaml"]);
  }
});

test("config file: a symbolic link stays one", async () => {
  using scene = new Scene();
  const link = join(scene.folder, "link.yaml");
  symlinkSync("signalbox.yaml", link);
  assert.equal((await openConfigFile(link, () => {}).replace("one", "two")).kind, "written");
  assert.deepEqual([lstatSync(link).isSymbolicLink(), scene.text], [true, "two"]);
});

test("config file: one that is gone, or is no file, is told", async () => {
  using scene = new Scene();
  rmSync(scene.file);
  const gone = await scene.config.replace("one", "two");
  assert.ok(gone.kind === "unwritable" && /ENOENT/u.test(gone.reason));
  mkdirSync(scene.file);
  assert.equal((await scene.config.replace("one", "two")).kind, "unwritable");
});
