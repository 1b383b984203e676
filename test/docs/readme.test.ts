import assert from "node:assert/strict";
import { test } from "node:test";
import { findUnavailable } from "../../src/config/unavailable.ts";
import { SHORT_STRATEGIES } from "../../src/config/schema/strategy.ts";
import { readPages } from "./pages.ts";

/** Everything that the schema takes and this version does not carry out. */
const WRITTEN = {
  node: { coordination: { type: "etcd", compact: true }, roles: ["controller"] },
  targets: [{ health_check: {} }],
  pools: {
    p: {
      ack: "stored",
      queue: { storage: "disk", when_full: "drop_oldest" },
    },
  },
};

const findings = findUnavailable(WRITTEN);
const readme = readPages().find(({ path }) => path === "README.md");
assert.ok(readme !== undefined);
/** Rows of the table under "not yet", by their first cell. */
const from = readme.prose.findIndex((line) => /^#+ .*not yet/iu.test(line));
const to = readme.prose.findIndex((line, i) => i > from && line.startsWith("#"));
const rows = readme.prose.slice(from + 1, to).filter((line) => line.startsWith("| ") && line.includes("`"));

/**
 * `pools.p.queue.storage` is told as `queue.storage`; an index and a name in the middle say
 * nothing.
 */
function keyOf(path: readonly (string | number)[]): string {
  return path[0] === "pools" ? path.slice(2).join(".") : path.filter((key) => typeof key === "string").join(".");
}

const keys = new Set(findings.map(({ path }) => keyOf(path)));

test("README: the table of what is not there yet has a row for each key that a config can use in vain, and no other", () => {
  assert.ok(keys.size >= 1);
  const told = rows.flatMap((row) => codeIn(cellsOf(row)[0]));
  assert.deepEqual(told.toSorted(), [...keys].toSorted());
});

test("README: it names every strategy", () => {
  const row = readme.prose.find((line) => line.startsWith("| pick a target")) ?? "";
  assert.deepEqual(codeIn(cellsOf(row)[1]).toSorted(), [...SHORT_STRATEGIES, "content"].toSorted());
});

function cellsOf(row: string): string[] {
  return row.split("|").slice(1, -1);
}

function codeIn(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/gu)].map(([, code]) => code ?? "");
}
