import assert from "node:assert/strict";
import { test } from "node:test";
import { hideValuesOf, isNamePath, showConfig } from "../../src/config/taint.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { describeCondition } from "../../src/plan/describe-condition.ts";
import { positionsOfSchema, withValueAt } from "./positions.ts";

const BASE = {
  targets: [
    { id: "a", endpoint: "http://127.0.0.1:14317" },
    { id: "b", endpoint: "https://127.0.0.1:24317", protocol: "http/protobuf" },
  ],
  pools: { main: { targets: ["a", "b"] } },
  rules: [{ id: "r", conditions: [{ service_name: "checkout" }], pool: "main" }],
  default_pool: "main",
};

/** What a secret may look like; each has the mark in it, and what is made of it must not. */
const VALUES = [
  "mk7q3zz9",
  "http://mk7q3zz9.invalid:1/mk7q3",
  "mk7q3zz9.invalid:4317",
  "http://127.0.0.1:4317?api_key=mk7q3zz9",
  'Mk7Q3 (zz9["',
  "mk7q3*zz",
  "ünïcode-mk7q3-\n",
  "-----BEGIN CERTIFICATE-----\nmk7q3\n-----END CERTIFICATE-----",
];
/** The first comes to all places, as first written, each of the others to one in so many. */
const EACH = 3;
const WRITTEN = ["${env:MARKER}", "${file:marker.txt}", "x${env:MARKER}"];

/** Of the value of this number, at the place of this one. */
function writtenAt(place: number, nth: number): readonly string[] {
  if (nth === 0) return WRITTEN.filter((_, way) => way === 0 || place % EACH === way);
  return place % EACH === nth % EACH ? WRITTEN.slice(0, 1) : [];
}

function assertUnmarked(text: string, what: string): void {
  assert.ok(!/mk7q3/iu.test(text), `${what}: ${text.slice(0, 2_000)}`);
}

for (const [nth, value] of VALUES.entries()) {
  test(`no text tells of ${JSON.stringify(value)}, wherever in a config it comes from elsewhere`, () => {
    let usable = 0;
    for (const [place, path] of positionsOfSchema().entries()) {
      for (const written of writtenAt(place, nth)) {
        const what = `${path.join(".")}: ${written}`;
        const text = JSON.stringify(withValueAt(BASE, path, written), undefined, 1);
        const readFile = (name: string): string => (name === "marker.txt" ? `${value}\n` : "");
        const { config, problems } = loadConfig(text, { file: "x.yaml", env: { MARKER: value }, readFile });
        for (const problem of problems) assertUnmarked(JSON.stringify(problem) + formatProblem(problem), what);
        if (config === undefined) continue;
        usable++;
        if (isNamePath(path)) continue; // names are shown: a file that takes one from elsewhere wants that
        assertUnmarked(JSON.stringify(showConfig(config), replacer), what);
        const hide = hideValuesOf(config);
        const told = config.rules.flatMap(({ conditions }) => conditions.map(describeCondition));
        for (const line of [...told, ...config.targets.map(({ endpoint }) => `connect ${endpoint} failed`)]) {
          assertUnmarked(hide(line), what);
        }
      }
    }
    assert.ok(usable > 10, "some places take any text");
  });
}

function replacer(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
