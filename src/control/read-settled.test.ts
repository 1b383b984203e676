import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fingerprint, glanceAt, readSettled } from "./read-settled.ts";

const directory = mkdtempSync(join(tmpdir(), "signalbox-read-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, "signalbox.yaml");

// Characters of one to four bytes, which stand across the ends of the pieces that are compared.
const LONG = "a\u00e9\u20ac\u{1F684}".repeat(80_000);
const contents = ["", "short", "\u{1F684}", LONG, `b${LONG}`, `bc${LONG}`, `bcd${LONG}`];

test("what is read is what the file holds, whatever it is taken to hold", async () => {
  for (const text of contents) {
    writeFileSync(file, text);
    const state = await fingerprint(file);
    const others = [undefined, ...contents, `${text}x`, text.slice(0, -1), `${text.slice(0, -1)}x`];
    for (const likely of others) {
      const found = await readSettled(file, state, likely);
      assert.ok(found.kind === "text" && found.text === text, `${text.length} ${likely?.length}`);
    }
  }
});

test("bytes that are no UTF-8 are read as ever, also when they are what is expected", async () => {
  writeFileSync(file, Buffer.concat([Buffer.from("a: "), Buffer.from([0xff, 0xc3])]));
  const state = await fingerprint(file);
  for (const likely of [undefined, "a: \ufffd\ufffd", "a: "])
    assert.deepEqual(await readSettled(file, state, likely), { kind: "text", text: "a: \ufffd\ufffd" });
});

test("a glance gives what a file of this state holds, and nothing of any other, or of one that is long", async () => {
  writeFileSync(file, "one");
  const state = await fingerprint(file);
  assert.equal(await glanceAt(file, state), "one");
  writeFileSync(file, "other");
  assert.equal(await glanceAt(file, state), undefined);
  truncateSync(file, 4 * 1_024 * 1_024 + 1);
  assert.equal(await glanceAt(file, await fingerprint(file)), undefined);
  rmSync(file);
  assert.equal(await glanceAt(file, await fingerprint(file)), undefined);
  mkdirSync(file);
  assert.equal(await glanceAt(file, await fingerprint(file)), undefined);
});
