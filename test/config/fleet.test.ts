import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseText } from "../../src/config/document.ts";
import type { Config } from "../../src/config/schema/config.ts";
import { ConfigSchema } from "../../src/config/schema/config.ts";
import { FleetSchema } from "../../src/config/schema/fleet.ts";
import { NodeSchema } from "../../src/config/schema/node.ts";
import { rememberTaints, taintsOf } from "../../src/config/taint.ts";
import { compile } from "../../src/plan/compile.ts";
import { loadText } from "./load-text.ts";

function loaded(text: string): Config {
  const { config, problems } = loadText(text);
  assert.ok(config !== undefined, JSON.stringify(problems));
  return config;
}

test("the document is what is the node's and what is the fleet's, and nothing is both", () => {
  const fleet = Object.keys(FleetSchema.shape);
  assert.deepEqual(Object.keys(ConfigSchema.shape), ["node", ...fleet]);
  assert.ok(!fleet.includes("node"));
});

test("settings of a node are no part of the fleet's config, wherever they stand in it", () => {
  const fleet = { targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }] };
  assert.equal(FleetSchema.safeParse(fleet).success, true);
  assert.equal(FleetSchema.safeParse({ ...fleet, node: {} }).success, false);
  for (const [key, value] of Object.entries(NodeSchema.parse({}))) {
    assert.equal(FleetSchema.safeParse({ ...fleet, [key]: value }).success, false, key);
  }
});

const folder = new URL("../../examples/", import.meta.url);
const examples = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !/broken|\.test\./u.test(name));
for (const name of examples) {
  test(`${name}: its fleet's part by itself gives the plan of the whole, with two settings of the node`, () => {
    const text = readFileSync(new URL(name, folder), "utf8");
    const parsed = parseText(text);
    assert.ok(parsed.ok);
    const { node: _node, ...fleet } = parsed.document.root as Record<string, unknown>;
    const config = loaded(text);
    const { region, plugins } = config.node;
    const { node: _its, ...alone } = loaded(JSON.stringify(fleet));
    rememberTaints(alone, taintsOf(config));
    const more = { version: 1, text };
    assert.deepEqual(compile(alone, { region, plugins }, more), compile(config, config.node, more));
  });
}

test("whatever else a node is told, the plan is the same", () => {
  const text = "targets: [{ id: a, endpoint: http://127.0.0.1:1 }]";
  const node = `{ id: other, workers: 2, data_dir: /elsewhere, listen: { admin: false }, limits: { max_items: 7 }, secrets: { env: [X] },
    admin: { tokens: [{ role: admin, value: mine }] }, log: { level: debug }, shutdown_grace: 1s }`;
  const told = loaded(`node: ${node}\n${text}`);
  const plain = loaded(text);
  const more = { version: 1, text };
  assert.deepEqual(compile(told, told.node, more), compile(plain, plain.node, more));
});
