import assert from "node:assert/strict";
import { test } from "node:test";
import type { Signal } from "../../src/otlp/signal.ts";
import { namesIn, requestOf, type TestItem } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender, type SenderAnswer, type SendOptions, type SendVariant } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { exampleWith } from "./example.ts";

const STATUS = "http.response.status_code";

/**
 * The example with its listeners on free ports, its targets at sinks, and a standby that gives back
 * soon.
 */
class Scene implements AsyncDisposable {
  readonly sinks: Readonly<Record<string, Sink>>;
  readonly node: TestNode;
  readonly #sender: OtlpSender;

  constructor(node: TestNode, sinks: Readonly<Record<string, Sink>>) {
    this.node = node;
    this.sinks = sinks;
    this.#sender = new OtlpSender(node);
  }

  static async open(): Promise<Scene> {
    const [one, two, errors] = [await openGrpcSink(), await openGrpcSink(), await openGrpcSink()];
    const three = await openHttpSink();
    const text = exampleWith("by-service.yaml", {
      '"127.0.0.1:4317"': '"127.0.0.1:0"',
      '"127.0.0.1:4318"': '"127.0.0.1:0"',
      '"127.0.0.1:4320"': '"127.0.0.1:0"',
      "http://127.0.0.1:14317": one.url,
      "http://127.0.0.1:24317": two.url,
      "http://127.0.0.1:34318": three.url,
      "http://127.0.0.1:44317": errors.url,
      "return_after: 10s": "return_after: 200ms",
    });
    return new Scene(await startTestNode(text), { "backend-1": one, "backend-2": two, "backend-3": three, errors });
  }

  send(signal: Signal, item: TestItem, way: SendVariant = "grpc", options: SendOptions = {}): Promise<SenderAnswer> {
    return this.#sender.send(way, signal, requestOf(signal, [item]), options);
  }

  async deliver(signal: Signal, ...items: readonly TestItem[]): Promise<void> {
    for (const item of items) assert.deepEqual((await this.send(signal, item)).ok, true);
  }

  /** Names of what arrived where; targets that got nothing are left out. */
  arrived(): Record<string, string[]> {
    const all = Object.entries(this.sinks).map(([id, sink]): [string, string[]] => [id, namesIn(sink.requests)]);
    return Object.fromEntries(all.filter(([, names]) => names.length > 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
    for (const sink of Object.values(this.sinks)) await sink[Symbol.asyncDispose]();
  }
}

test("by-service.yaml: traces of my-service from us-east-1 are shared out 50 : 30 : 20", async () => {
  await using scene = await Scene.open();
  for (let i = 0; i < 200; i++) {
    const region = i % 2 === 0 ? { region: "us-east-1" } : {}; // also the listener's
    await scene.deliver("traces", { name: `span ${i}`, service: "my-service", ...region });
  }
  const shares = Object.entries(scene.arrived()).map(([id, names]) => [id, names.length]);
  assert.deepEqual(shares, [
    ["backend-1", 100],
    ["backend-2", 60],
    ["backend-3", 40],
  ]);
});

test("by-service.yaml: my-service from elsewhere, and all that no rule names, go to backend-3 over HTTP", async () => {
  await using scene = await Scene.open();
  await scene.deliver("traces", { name: "far", service: "my-service", region: "eu-west-1" }, { name: "nameless" });
  await scene.deliver("metrics", { name: "requests", service: "cart" });
  await scene.deliver("logs", { name: "a line", service: "cart", severity: 9 });
  assert.deepEqual(scene.arrived(), { "backend-3": ["far", "nameless", "requests", "a line"] });
  assert.deepEqual(
    scene.sinks["backend-3"]!.requests.map(({ path }) => path),
    ["/v1/traces", "/v1/traces", "/v1/metrics", "/v1/logs"],
  );
});

test("by-service.yaml: spans with a status of 500 and above are copied to errors, whatever else happens to them", async () => {
  await using scene = await Scene.open();
  await scene.deliver("traces", span("pay 500", "payment-eu", 500), span("pay 499", "payment-eu", 499));
  await scene.deliver(
    "traces",
    span("cart 503", "cart", 503),
    span("cart 200", "cart", 200),
    span("text", "cart", "503"),
  );
  assert.deepEqual(scene.arrived(), {
    "backend-1": ["pay 500", "pay 499"],
    "backend-3": ["cart 503", "cart 200", "text"],
    errors: ["pay 500", "cart 503"],
  });
  assert.equal((await scene.node.ledger("traces")).copied, 2);
});

function span(name: string, service: string, status: number | string): TestItem {
  return { name, service, attributes: { [STATUS]: status } };
}

test("by-service.yaml: logs of ERROR and above go to errors only, the others where their service goes", async () => {
  await using scene = await Scene.open();
  for (const severity of [0, 9, 16, 17, 21, 24]) {
    await scene.deliver("logs", { name: `cart ${severity}`, service: "cart", severity });
    await scene.deliver("logs", { name: `pay ${severity}`, service: "payment", severity });
  }
  assert.deepEqual(scene.arrived(), {
    "backend-1": ["pay 0", "pay 9", "pay 16"],
    "backend-3": ["cart 0", "cart 9", "cart 16"],
    errors: ["cart 17", "pay 17", "cart 21", "pay 21", "cart 24", "pay 24"],
  });
});

test("by-service.yaml: payments go to backend-1, to backend-2 while that is stopped, and back again", async () => {
  await using scene = await Scene.open();
  const { "backend-1": one, "backend-2": two } = scene.sinks;
  await scene.deliver("traces", { name: "before", service: "payment-eu" });
  await one!.kill();
  for (let i = 0; i < 20; i++) await scene.deliver("traces", { name: `during ${i}`, service: "payments" });
  assert.equal(two!.counts().acceptedItems, 20);
  assert.equal(one!.counts().acceptedItems, 1);
  await one!.start();
  // Something has to be sent for it to be found well: payments go on until the first one is back.
  let sent = 21;
  for (; one!.counts().acceptedItems === 1; sent++)
    await scene.deliver("traces", { name: "after", service: "payment" });
  assert.equal(one!.counts().acceptedItems + two!.counts().acceptedItems, sent);
});

for (const id of ["backend-1", "backend-2", "backend-3", "errors"]) {
  test(`by-service.yaml: stopping ${id} for a while loses nothing that was answered with success`, async () => {
    await using scene = await Scene.open();
    const acknowledged = new Set<string>();
    let next = 0;
    const sendUntil = async (end: number, timeoutMs: number): Promise<void> => {
      while (next < end) {
        const i = next++;
        const item = someItem(i);
        const signal = i % 5 === 4 ? "logs" : "traces";
        const answer = await scene.send(signal, item, "grpc", { timeoutMs });
        if (answer.ok) acknowledged.add(item.name);
      }
    };
    // A short deadline once one is away, so that what cannot be delivered is told soon.
    const together = (end: number, timeoutMs = 1_500): Promise<unknown> =>
      Promise.all(Array.from({ length: 16 }, () => sendUntil(end, timeoutMs)));
    await together(100, 60_000);
    assert.deepEqual([acknowledged.size], [100]);
    await Promise.all([scene.sinks[id]!.kill(), together(200)]);
    await scene.sinks[id]!.start();
    await together(300);
    const { errors = [], ...others } = scene.arrived();
    const arrived = new Set(Object.values(others).flat());
    const copied = new Set(errors);
    for (const name of acknowledged) {
      assert.ok(arrived.has(name) || (name.startsWith("error log") && copied.has(name)), `${name} is lost`);
      assert.ok(!name.endsWith("status 500") || copied.has(name), `the copy of ${name} is lost`);
    }
    assert.ok(acknowledged.size > 150, `only ${acknowledged.size} were delivered at all`);
  });
}

/** Of every kind that a rule names, in turn. */
function someItem(i: number): TestItem {
  const service = ["my-service", "payment-eu", "cart"][i % 3]!;
  if (i % 5 === 4)
    return { name: `${i % 2 === 0 ? "error log" : "log"} ${i}`, service, severity: i % 2 === 0 ? 17 : 9 };
  if (i % 7 === 0) return { name: `span ${i} with status 500`, service, attributes: { [STATUS]: 500 } };
  return { name: `span ${i}`, service };
}
