import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Signal } from "../../src/otlp/signal.ts";
import { traceShare } from "../../src/plan/trace-share.ts";
import { decodeRequest, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { resourcesOf, scopesOf } from "../support/oracle/walk.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender, SEND_WAYS } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { exampleWith } from "./example.ts";

/** examples/strategies.yaml as it is published, at sinks: each comment in it is a test here. */
const IDS = ["a", "b", "c", "d"] as const;
let sinks: Readonly<Record<string, Sink>> = {};
let node: TestNode;
let sender: OtlpSender;

before(async () => {
  sinks = Object.fromEntries(await Promise.all(IDS.map(async (id) => [id, await openGrpcSink()] as const)));
  const text = exampleWith("strategies.yaml", {
    "http://127.0.0.1:14317": sinks["a"]!.url,
    "http://127.0.0.1:24317": sinks["b"]!.url,
    "http://127.0.0.1:34317": sinks["c"]!.url,
    "http://127.0.0.1:44317": sinks["d"]!.url,
  });
  node = await startTestNode(text);
  sender = new OtlpSender(node);
});

after(async () => {
  await sender[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
  for (const sink of Object.values(sinks)) await sink[Symbol.asyncDispose]();
});

interface Item {
  readonly name: string;
  readonly trace?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

function traceId(trace: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeUInt32BE((trace * 2_654_435_761) >>> 0, 4);
  id.writeUInt32BE(trace + 1, 12);
  return id;
}

function pairs(values: Readonly<Record<string, string>>): Plain[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: { stringValue: value } }));
}

/** One resource of this service, and these items. */
function requestOf(
  signal: Signal,
  service: string,
  items: readonly Item[],
  more: Readonly<Record<string, string>> = {},
): Uint8Array {
  const resource = { attributes: pairs({ "service.name": service, ...more }) };
  const list = items.map(({ name, trace = 0, attributes = {} }): Plain => {
    const common = { attributes: pairs(attributes), traceId: traceId(trace) };
    if (signal === "traces") return { ...common, name };
    if (signal === "logs") return { ...common, body: { stringValue: name } };
    return { name, gauge: { dataPoints: [{ asInt: "1", attributes: pairs(attributes) }] } };
  });
  switch (signal) {
    case "traces":
      return encodeRequest(signal, { resourceSpans: [{ resource, scopeSpans: [{ spans: list }] }] });
    case "logs":
      return encodeRequest(signal, { resourceLogs: [{ resource, scopeLogs: [{ logRecords: list }] }] });
    case "metrics":
      return encodeRequest(signal, { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: list }] }] });
  }
}

async function send(
  signal: Signal,
  ...request: [service: string, items: readonly Item[], more?: Record<string, string>]
): Promise<void> {
  const answer = await sender.send("grpc", signal, requestOf(signal, ...request));
  assert.deepEqual([answer.ok, answer.rejected, answer.message], [true, 0, ""]);
}

/** Where each item of this service arrived, by its name: the targets, in order. */
function arrivals(service: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const id of IDS) {
    for (const { signal, body } of sinks[id]!.requests) {
      if (signal === undefined) continue;
      for (const resource of resourcesOf(signal, decodeRequest(signal, body))) {
        if (!JSON.stringify(resource["resource"]).includes(`"stringValue":"${service}"`)) continue;
        for (const { plain } of scopesOf(signal, resource).flatMap((scope) => scope.items)) {
          const name = nameOf(plain);
          found.set(name, (found.get(name) ?? "") + id);
        }
      }
    }
  }
  return found;
}

function nameOf(item: Plain): string {
  const { name, body } = item as { name?: string; body?: { stringValue?: string } }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- sent above
  return name ?? body?.stringValue ?? "";
}

/** Targets in the order of the names, as sent one after the other. */
async function oneByOne(service: string, count: number): Promise<string> {
  const names = Array.from({ length: count }, (_, i) => `${service}-${i}`);
  for (const name of names) await send("traces", service, [{ name }]);
  const where = arrivals(service);
  return names.map((name) => where.get(name)).join("");
}

test("rr: in turn", async () => {
  assert.match(await oneByOne("rr", 9), /^(abc){3}$|^(bca){3}$|^(cab){3}$/u);
});

test("wrr: a a b a c a a, again and again", async () => {
  assert.equal(await oneByOne("wrr", 21), "aabacaa".repeat(3));
});

test("random: by weight, every target in the end", async () => {
  const seen = await oneByOne("random", 120);
  const share = (seen.split("a").length - 1) / 120;
  assert.deepEqual([...new Set(seen.split(""))].toSorted(), ["a", "b", "c"]);
  assert.ok(share > 0.5 && share < 0.9, `${share}`); // 5 of 7, 0.04 being the standard deviation
});

for (const service of ["least", "fastest", "fast-enough", "smart"]) {
  test(`${service}: everything arrives once, at its targets`, async () => {
    assert.match(await oneByOne(service, 12), /^[abc]{12}$/u);
  });
}

test("near: the region of the resource, else cloud.region; an unknown region, or none, is the region default", async () => {
  const cases = [
    { name: "eu", more: { region: "eu-west-1" }, want: "c" },
    { name: "cloud", more: { "cloud.region": "eu-west-1" }, want: "c" },
    { name: "us", more: { region: "us-east-1" }, want: "[ab]" },
    { name: "unknown", more: { region: "mars" }, want: "d" },
    { name: "none", more: {}, want: "d" },
  ];
  for (const signal of ["traces", "metrics", "logs"] as const) {
    for (const { name, more } of cases) await send(signal, "near", [{ name: `${signal}-${name}` }], more);
  }
  const where = arrivals("near");
  for (const signal of ["traces", "metrics", "logs"]) {
    for (const { name, want } of cases)
      assert.match(where.get(`${signal}-${name}`) ?? "", new RegExp(`^${want}$`, "u"), name);
  }
});

test("by-content: the first case that holds, item by item; staging goes whole; the rest to d", async () => {
  await send("traces", "by-content", [
    { name: "GET /api/x", attributes: { "user.tier": "gold" } },
    { name: "POST /y", attributes: { "user.tier": "marigold" } },
    { name: "POST /z" },
  ]);
  await send("traces", "by-content", [{ name: "staging-z" }, { name: "GET /api/staging" }], {
    "deployment.environment.name": "staging",
  });
  await send("logs", "by-content", [
    { name: "gold-log", attributes: { "user.tier": "gold" } },
    { name: "GET /api/ in a log" },
  ]);
  await send("metrics", "by-content", [
    { name: "gold-metric", attributes: { "user.tier": "gold" } },
    { name: "metric" },
  ]);
  assert.deepEqual(Object.fromEntries(arrivals("by-content")), {
    "GET /api/x": "a",
    "GET /api/staging": "a",
    "POST /y": "b",
    "gold-log": "b",
    "gold-metric": "b",
    "staging-z": "c",
    "POST /z": "d",
    "GET /api/ in a log": "d",
    metric: "d",
  });
});

test("sticky: all spans of one trace go to one target, in mixed requests of any kind, and logs of the trace with them", async () => {
  for (let n = 0; n < 6; n++) {
    const items = Array.from({ length: 30 }, (_, trace) => ({ name: `${trace}:${n}`, trace }));
    const signal = n < 4 ? "traces" : "logs";
    const body = requestOf(signal, "sticky", n % 2 === 0 ? items : items.toReversed());
    const way = SEND_WAYS[n % 2]!;
    assert.equal((await sender.send(way, signal, body)).ok, true);
  }
  const byTrace = new Map<string, Set<string>>();
  for (const [name, target] of arrivals("sticky")) {
    const trace = name.split(":")[0]!;
    byTrace.set(trace, (byTrace.get(trace) ?? new Set()).add(target));
  }
  assert.equal(byTrace.size, 30);
  for (const [trace, targets] of byTrace) assert.equal(targets.size, 1, `trace ${trace}: ${[...targets].join()}`);
  assert.deepEqual([...new Set([...byTrace.values()].flatMap((targets) => [...targets]))].toSorted(), ["a", "b", "c"]);
});

test("sticky: another node with the same config sends each trace to the same target", async () => {
  const text = exampleWith("strategies.yaml", {
    "http://127.0.0.1:14317": sinks["a"]!.url,
    "http://127.0.0.1:24317": sinks["b"]!.url,
    "http://127.0.0.1:34317": sinks["c"]!.url,
    "http://127.0.0.1:44317": sinks["d"]!.url,
  });
  await using other = await startTestNode(text);
  await using otherSender = new OtlpSender(other);
  const items = Array.from({ length: 40 }, (_, trace) => ({ name: `t${trace}`, trace: trace + 1_000 }));
  const named = (by: string): Item[] => items.map((item) => ({ ...item, name: `${item.name}.${by}` }));
  await send("traces", "sticky", named("one"));
  assert.equal((await otherSender.send("grpc", "traces", requestOf("traces", "sticky", named("two")))).ok, true);
  const where = arrivals("sticky");
  for (const { name } of items) assert.equal(where.get(`${name}.one`), where.get(`${name}.two`));
});

test("primary: the first while it is usable", async () => {
  assert.equal(await oneByOne("primary", 5), "aaaaa");
});

test("everywhere: each target gets a copy", async () => {
  await send("traces", "everywhere", [{ name: "one" }]);
  assert.deepEqual(Object.fromEntries(arrivals("everywhere")), { one: "abc" });
});

test("canary: a quarter of the traces, the same ones whenever they come, go to d; the rest to the default pool", async () => {
  const share = traceShare(0.25);
  const items = Array.from({ length: 400 }, (_, trace) => ({ name: `t${trace}`, trace }));
  await send("traces", "canary", items);
  await send(
    "logs",
    "canary",
    items.map(({ name, trace }) => ({ name: `log ${name}`, trace })),
  );
  const where = arrivals("canary");
  assert.equal(where.size, 800);
  const chosen = items.filter(({ trace }) => share(traceId(trace), 0, 16));
  assert.ok(chosen.length > 60 && chosen.length < 140, `${chosen.length} of 400`);
  for (const { name } of chosen) assert.deepEqual([where.get(name), where.get(`log ${name}`)], ["d", "d"]);
  const others = items.filter(({ trace }) => !share(traceId(trace), 0, 16));
  assert.ok(others.every(({ name }) => /^[abcd]$/u.test(where.get(name) ?? "")));
});
