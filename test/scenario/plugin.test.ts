import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pluginEditions } from "../../src/data/balance/plugins.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";

/** Always the target at one place of the pool. */
const PLUGIN = `
export default ({ registerStrategy }) => {
  registerStrategy("nth", ({ size, options }) => {
    if (!(options.n < size)) throw new TypeError("n is " + options.n + ", and the pool has " + size + " targets");
    return { pick: (view) => (view.eligible[options.n] === 1 ? options.n : -1), charge() {}, changed() {} };
  });
  registerStrategy("first_one", () => ({ pick: (view) => (view.eligible[0] === 1 ? 0 : -1), charge() {}, changed() {} }));
};
`;

class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "signalbox-plugin-"));
  readonly sinks: Record<string, Sink> = {};
  node: TestNode | undefined;

  get file(): string {
    return join(this.folder, "signalbox.yaml");
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  config(strategy: unknown, plugins: readonly string[] = ["./my-strategy.mjs"]): Record<string, unknown> {
    return { node: { plugins }, pools: { p: { targets: Object.keys(this.sinks), strategy } }, default_pool: "p" };
  }

  async start(strategy: unknown, inProcess?: string): Promise<TestNode> {
    for (const id of ["a", "b", "c"]) this.sinks[id] = await openGrpcSink();
    this.node = await startTestNode(this.config(strategy), { file: this.file, sinks: this.sinks, inProcess });
    return this.node;
  }

  /** Sends one span of each name, and tells where they arrived. */
  async send(...names: readonly string[]): Promise<Record<string, string>> {
    await using sender = new OtlpSender(this.node!);
    for (const name of names) assert.ok((await sender.send("grpc", "traces", requestOf("traces", [{ name }]))).ok);
    const all = Object.entries(this.sinks).flatMap(([id, sink]) =>
      namesIn(sink.requests).map((name) => [name, id] as const),
    );
    return Object.fromEntries(all.filter(([name]) => names.includes(name)));
  }

  reload(strategy: unknown, plugins?: readonly string[]): ReturnType<TestNode["apply"]> {
    return this.node!.apply(this.config(strategy, plugins));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node?.[Symbol.asyncDispose]();
    for (const sink of Object.values(this.sinks)) await sink[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

test("a plugin's strategy picks, by its name alone, as a type, or with its options; a reload takes over another", async () => {
  await using scene = new Scene();
  scene.write("my-strategy.mjs", PLUGIN);
  await scene.start("first_one");
  assert.deepEqual(await scene.send("1", "2"), { 1: "a", 2: "a" });
  assert.equal((await scene.reload({ type: "nth", n: 2 })).kind, "applied");
  assert.deepEqual(await scene.send("3"), { 3: "c" });
  assert.equal((await scene.reload({ type: "plugin", name: "nth", options: { n: 1 } })).kind, "applied");
  assert.deepEqual(await scene.send("4"), { 4: "b" });
});

test("what is wrong with a plugin is told, and the running config goes on", async () => {
  await using scene = new Scene();
  scene.write("my-strategy.mjs", PLUGIN);
  scene.write("broken.mjs", "export default 5;\n");
  scene.write("syntax.mjs", "export default (\n");
  await scene.start({ type: "nth", n: 0 });
  const cases: readonly (readonly [unknown, readonly string[] | undefined, RegExp])[] = [
    ["nth_one", undefined, /pool p: no strategy is called nth_one.*nth, first_one/su],
    [{ type: "nth", n: 7 }, undefined, /pool p: strategy nth: n is 7, and the pool has 3 targets/u],
    ["nth", ["./missing.mjs"], /plugin .*missing\.mjs: .*no such file/u],
    ["nth", ["./broken.mjs"], /plugin .*broken\.mjs: its default export is not a function/u],
    ["nth", ["./syntax.mjs"], /plugin .*syntax\.mjs: /u],
    [
      "nth",
      ["./my-strategy.mjs", "./my-strategy.mjs"],
      /plugin .*my-strategy\.mjs: a strategy named nth is registered already/u,
    ],
  ];
  for (const [strategy, plugins, message] of cases) {
    const outcome = await scene.reload(strategy, plugins);
    assert.equal(outcome.kind, "failed");
    assert.match(outcome.reason, message);
  }
  assert.equal((await scene.reload("nth", [])).kind, "invalid", "without plugins an unknown name is a mistake");
  assert.deepEqual(await scene.send("still"), { still: "a" });
});

test("a node does not start with a plugin that cannot be loaded", async () => {
  await using scene = new Scene();
  await assert.rejects(scene.start("first_one"), { code: "CONFIG_INVALID", message: /my-strategy\.mjs: / });
});

test("a plugin that is written again with what it had is the same module; another content is another one, within a bound", async () => {
  await using scene = new Scene();
  const write = (n: number): void => scene.write("my-strategy.mjs", `// ${n % 2}\n${PLUGIN}`);
  write(0);
  await scene.start("first_one", "its plugins are counted by the test");
  const before = pluginEditions();
  for (let n = 1; n <= 6; n++) {
    write(n);
    utimesSync(join(scene.folder, "my-strategy.mjs"), n, n);
    assert.equal((await scene.reload({ type: "nth", n: n % 3 })).kind, "applied");
  }
  assert.equal(pluginEditions(), before + 1);
  for (let n = 0; pluginEditions() < 64; n++) {
    scene.write("my-strategy.mjs", `// edit ${n}\n${PLUGIN}`);
    assert.equal((await scene.reload({ type: "nth", n: n % 3 })).kind, "applied");
  }
  scene.write("my-strategy.mjs", `// one too many\n${PLUGIN}`);
  const refused = await scene.reload({ type: "nth", n: 0 });
  assert.equal(refused.kind, "failed");
  assert.match(
    refused.reason,
    /my-strategy\.mjs: this process holds 64 contents of plugins already.*restart the node/u,
  );
  assert.equal(pluginEditions(), 64);
});
