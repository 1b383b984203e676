import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig, loadConfigFile } from "../../src/config/load.ts";
import { loadText } from "./load-text.ts";

const TARGETS = 'targets: [{ id: a, endpoint: "http://a:1" }]';

test("plugins: their paths are made whole one by one, with and without a folder", () => {
  const text = `node: { plugins: [./one.js, ./two.js] }\n${TARGETS}\n`;
  const options = { file: "x.yaml", env: {}, readFile: () => "" };
  const { config } = loadConfig(text, options);
  assert.deepEqual(
    config?.node.plugins.map((path) => path.slice(process.cwd().length)),
    ["/one.js", "/two.js"],
  );
  const folder = mkdtempSync(join(tmpdir(), "signalbox-plugins-"));
  writeFileSync(join(folder, "x.yaml"), text);
  const { config: filed } = loadConfigFile(join(folder, "x.yaml"), { env: {} });
  assert.deepEqual(filed?.node.plugins, [join(folder, "one.js"), join(folder, "two.js")]);
  rmSync(folder, { recursive: true });
});

test("plugins: at the top, where the fleet's config is, they are refused, with where they belong", () => {
  const { config, problems } = loadText(`plugins: [./one.js]\n${TARGETS}\n`);
  assert.equal(config, undefined);
  assert.deepEqual(
    problems.map(({ path, message, hint }) => ({ path, message, hint })),
    [
      {
        path: "plugins",
        message: "plugins are code, and belong to one node, not to the fleet",
        hint: "move them to node: { plugins: [...] }",
      },
    ],
  );
});

test("plugins: numbers in their options that JSON does not hold are told, each at its place", () => {
  const options = "{ a: .inf, b: [1, .nan, 9223372036854775807], c: { d: -0 } }";
  const pool = `{ targets: [a], strategy: { type: plugin, name: mine, options: ${options} } }`;
  const { config, problems } = loadText(`${TARGETS}\npools: { p: ${pool} }\ndefault_pool: p\n`);
  assert.equal(config, undefined);
  const told = problems.map(({ path, message, hint }) => `${path} ${message} (${hint})`);
  const why = "is a number that JSON does not hold as it is (write it as a text, in quotes)";
  const at = "pools.p.strategy.options";
  assert.deepEqual(told, [`${at}.a ${why}`, `${at}.b[1] ${why}`, `${at}.b[2] ${why}`]);
});
