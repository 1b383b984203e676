import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { MUTANTS } from "../mutants/mutants.ts";

const ROOT = `${import.meta.dirname}/../../`;

test("planted faults: each finds its line, once, and tests that can see it", () => {
  const lost = MUTANTS.filter(({ file, code }) => readFileSync(ROOT + file, "utf8").split(code).length !== 2);
  assert.deepEqual(
    lost.map(({ name, file }) => `${file}: ${name}`),
    [],
  );
  const patterns = MUTANTS.flatMap(({ tests }) => tests);
  assert.deepEqual(
    patterns.filter((pattern) => globSync(ROOT + pattern).length === 0),
    [],
  );
});
