import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { FileRead } from "../config/files-read.ts";
import { Secret } from "../core/secret.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { watchRenewals } from "./renewals.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-renewals-"));
after(() => rmSync(folder, { recursive: true }));

/**
 * One watch over files, with its clock; `look` lets so much time pass, and ends when what it
 * started has ended.
 */
function open(names: () => readonly string[], texts: Readonly<Record<string, string>> = {}, refused = 0) {
  const files = (): FileRead[] =>
    names().map((file) => ({ file, text: texts[file] === undefined ? undefined : new Secret(texts[file]) }));
  const clock = new ManualClock();
  let renewals = 0;
  const watch = watchRenewals({
    clock,
    files,
    renewed: async () => ++renewals > refused,
  });
  const settle = async (): Promise<void> => {
    while (clock.pending === 0) await turn(); // the next look is planned only when this one has ended
  };
  return {
    get renewals() {
      return renewals;
    },
    async refresh(ms: number): Promise<void> {
      await settle();
      clock.advance(ms);
      await settle();
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

test("renewals: a file that is written anew is told once, when it has been left alone", async () => {
  const file = join(folder, "a.pem");
  writeFileSync(file, "one");
  await using watch = open(() => [file]);
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 0);
  writeFileSync(file, "the second");
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 0);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 1);
});

test("renewals: a certificate and its key that are written one after the other are told together", async () => {
  const [cert, key] = [join(folder, "b.pem"), join(folder, "b.key")];
  for (const file of [cert, key]) writeFileSync(file, "one");
  await using watch = open(() => [cert, key]);
  await watch.refresh(10_000);
  writeFileSync(cert, "second");
  await watch.refresh(10_000);
  writeFileSync(key, "second");
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 0);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
});

test("renewals: a rename over a file and a symlink that is swapped are renewals", async () => {
  const file = join(folder, "c.pem");
  writeFileSync(file, "one");
  mkdirSync(join(folder, "v1"));
  mkdirSync(join(folder, "v2"));
  for (const version of ["v1", "v2"]) writeFileSync(join(folder, version, "d.pem"), version);
  symlinkSync("v1", join(folder, "data"));
  const linked = join(folder, "data", "d.pem");
  await using watch = open(() => [file, linked]);
  await watch.refresh(10_000);
  writeFileSync(join(folder, "c.new"), "one");
  renameSync(join(folder, "c.new"), file);
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
  symlinkSync("v2", join(folder, "data.new"));
  renameSync(join(folder, "data.new"), join(folder, "data"));
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 2);
});

test("renewals: files that a later config reads are looked at from then on, and are no renewal", async () => {
  const [e, f] = [join(folder, "e.pem"), join(folder, "f.pem")];
  for (const file of [e, f]) writeFileSync(file, "one");
  let files = [e];
  await using watch = open(() => files);
  await watch.refresh(10_000);
  files = [e, f];
  await watch.refresh(10_000);
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 0);
  writeFileSync(f, "second");
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
});

test("renewals: a file that was renewed between its reading and the first look at it is told", async () => {
  const [g, h] = [join(folder, "g.pem"), join(folder, "h.pem")];
  for (const file of [g, h]) writeFileSync(file, "second");
  await using watch = open(() => [g, h], { [g]: "one", [h]: "second" });
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
});

test("renewals: one that could not be applied is told again at the next poll", async () => {
  const file = join(folder, "i.pem");
  writeFileSync(file, "one");
  await using watch = open(() => [file], {}, 1);
  await watch.refresh(10_000); // what is seen first is what was applied
  writeFileSync(file, "the second");
  await watch.refresh(10_000);
  await watch.refresh(1_000);
  assert.equal(watch.renewals, 1);
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 2);
  await watch.refresh(10_000);
  assert.equal(watch.renewals, 2);
});
