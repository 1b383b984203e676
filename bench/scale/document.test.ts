import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { documentOf } from "./document.ts";

test("bench scale: a document has the bytes that are wanted, is a valid config, and each version is another", () => {
  const texts = [1, 2, 30].map((version) => documentOf(version, 8_192));
  assert.deepEqual(
    texts.map((text) => Buffer.byteLength(text)),
    [8_192, 8_192, 8_192],
  );
  assert.equal(new Set(texts).size, 3);
  const readFile = (): string => assert.fail("nothing is to be read");
  for (const text of texts) {
    const { config, problems } = loadConfig(text, { file: "fleet", env: {}, readFile });
    assert.notEqual(config, undefined, JSON.stringify(problems));
  }
});

test("bench scale: a document that has no room for what has to be in it is told", () => {
  assert.throws(() => documentOf(1, 100), /bytes at least/u);
});
