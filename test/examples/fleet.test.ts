import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { NodeConfig } from "../../src/config/schema/config.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { publishable } from "../../src/control/truth/published-document.ts";
import { fileSource } from "../../src/server/config-source.ts";
import { checkedText, storedFleet } from "../../src/server/publish-command.ts";
import { readPage, ROOT } from "../docs/pages.ts";

const FOLDER = fileURLToPath(new URL("../../examples/fleet/", import.meta.url));
const NODES = ["east-1", "east-2", "west-1", "west-2"];
const STORES = ["etcd", "consul"];
const COORDINATION = /^( +coordination: ).*$/mu;

function read(...path: readonly string[]): string {
  return readFileSync(join(FOLDER, ...path), "utf8");
}

function nodeOf(...path: readonly string[]): NodeConfig {
  const source = fileSource(join(FOLDER, ...path), {});
  const { config, problems } = source.load(source.text);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.ok(config !== undefined);
  return config.node;
}

for (const store of STORES) {
  test(`fleet/${store}: each node is valid, has an id, ports and a folder of its own, and the fleet's store`, () => {
    const nodes = NODES.map((name) => nodeOf(store, `${name}.yaml`));
    assert.deepEqual(
      nodes.map(({ id, region }) => `${id} ${region}`),
      ["east-1 east", "east-2 east", "west-1 west", "west-2 west"],
    );
    const ports = nodes.flatMap(({ listen, fleet }) => JSON.stringify([listen, fleet.listen]).match(/\b5\d\d\d\b/gu));
    assert.deepEqual([ports.length, new Set(ports).size], [16, 16]);
    assert.equal(new Set(nodes.map((node) => node.data_dir)).size, 4);
    const stores = [...NODES, "fleet"].map((name) => COORDINATION.exec(read(store, `${name}.yaml`))?.[0]);
    assert.equal(new Set(stores).size, 1);
    assert.match(stores[0] ?? "", new RegExp(`type: ${store}, `, "u"));
  });

  test(`fleet/${store}: what is shared can be published, and names its store`, () => {
    const file = join(FOLDER, store, "fleet.yaml");
    const fleet = storedFleet(file, {}, (problems) => assert.fail(problems.map(formatProblem).join("\n")));
    assert.equal(fleet?.store.coordination.type, store);
    const made = publishable(fleet.text);
    assert.ok(made.kind !== "invalid", JSON.stringify(made));
    assert.doesNotMatch(made.text, /coordination/u, "the node's part stays at home");
    assert.equal(checkedText(fleet), made.text);
  });
}

test("fleet/consul: the same as fleet/etcd, but for the store", () => {
  for (const name of [...NODES, "fleet"]) {
    const [etcd = "", consul = ""] = STORES.map((store) => read(store, `${name}.yaml`).replace(COORDINATION, "$1"));
    assert.equal(consul, etcd, name);
  }
});

test("fleet/sink.yaml takes everything, at the addresses that the targets have", () => {
  const { listen } = nodeOf("sink.yaml");
  const addresses = JSON.stringify(listen).match(/\b14\d{3}\b/gu);
  assert.deepEqual(addresses, ["14317", "14318", "14320"]);
});

const written = mkdtempSync(join(tmpdir(), "signalbox-fleet-files-"));
after(() => rmSync(written, { recursive: true }));

test("the README writes the same files of nodes", () => {
  const { fences } = readPage("README.md", readFileSync(join(ROOT, "README.md"), "utf8"));
  const loop = fences.find(({ text }) => text.includes("for id in east-1"))?.text ?? "";
  const { status, stderr } = spawnSync("sh", ["-e", "-c", loop], { cwd: written, encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  for (const name of NODES) {
    assert.equal(readFileSync(join(written, `${name}.yaml`), "utf8"), read("etcd", `${name}.yaml`), name);
  }
});
