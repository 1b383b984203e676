import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING_GIVEN_UP } from "../../src/plan/degradation-plan.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { leftOf, requestOf } from "./requests.ts";

const CONFIG = `
default_pool: { targets: [a] }
global:
  sampling_rate: 0.5
  sampling_strategies:
    - type: priority_based
      rules:
        - { priority: high, rate: 1, services: ["pay"] }
        - { priority: low, rate: 0, services: ["debug"] }
  degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 }
`;
const NAMES = ["low", "high", "none"] as const;
const SERVICES = ["pay", "cart", "debug"] as const;

test("what is explained of an item becomes of it, also where nothing of its class is kept or let in", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  await using sender = new OtlpSender(node);
  const { dataPlane } = node.running;
  const bytes = requestOf(SERVICES.map((service) => ({ service, spans: NAMES.map((name) => ({ name })) })));
  const keptOf = async (level: number): Promise<[string, string[]]> => {
    await dataPlane.degrade({ ...NOTHING_GIVEN_UP, level });
    const { items } = await dataPlane.explain({ signal: "traces", bytes, maxItems: 9 });
    const explained = items.flatMap(({ item, sampling }) =>
      sampling?.kept === true ? [`${item.service} ${item.name}`] : [],
    );
    const before = a.requests.length;
    assert.ok((await sender.send("grpc", "traces", bytes)).ok);
    const left = a.requests.slice(before).flatMap(({ body }) => leftOf(body));
    const sent = left.flatMap((one) => {
      const [service = "", spans = ""] = one.split(": ");
      return spans.split(", ").map((span) => `${service} ${span.split(" ")[0]}`);
    });
    assert.deepEqual(explained, sent);
    const [, , , , , , , refused] = items;
    return [refused?.sampling?.why ?? "", explained];
  };
  const pay = NAMES.map((name) => `pay ${name}`);
  const below = "its randomness is below the threshold";
  assert.deepEqual(await keptOf(0), [below, [...pay, "cart high", "cart none", "debug none"]]);
  const degraded = "the node is degraded and lets nothing of its class in";
  assert.deepEqual(await keptOf(3), [degraded, [...pay, "cart high", "cart none"]]);
  assert.deepEqual(await keptOf(4), [degraded, pay]);
});

test("of an item it is explained that it came thinner than it is kept, or with a threshold that cannot be true", async () => {
  await using a = await openGrpcSink();
  await using node = await startTestNode(CONFIG, { sinks: { a } });
  const spans = [
    { name: "high", state: "ot=th:f" },
    { name: "low", state: "ot=th:f" },
  ] as const;
  const bytes = requestOf([{ service: "cart", spans }]);
  const { items } = await node.running.dataPlane.explain({ signal: "traces", bytes, maxItems: 2 });
  assert.deepEqual(
    items.map(({ sampling }) => [sampling?.kept, sampling?.arrival, sampling?.why]),
    [
      [true, 1 / 16, "it came thinner than its class is kept"],
      [false, 1, "its randomness is below the threshold; the threshold that it came with cannot be true"],
    ],
  );
});
