import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import type { TargetStatus } from "../../src/plan/data-plane.ts";
import { exposition } from "../../src/telemetry/prometheus.ts";
import { requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { OK, refusing, type SinkScript } from "../support/sinks/sink-script.ts";
import { until } from "./fault-sender.ts";

// Nothing here hangs: a check that takes its time on a busy machine is none that failed.
const FAST = "interval: 20ms, timeout: 30s";

async function statusOf(node: TestNode, id: string): Promise<TargetStatus> {
  const status = (await node.status()).targets.find((target) => target.id === id);
  assert.ok(status !== undefined);
  return status;
}

function untilState(node: TestNode, id: string, state: TargetStatus["state"]): Promise<void> {
  return until(async () => (await statusOf(node, id)).state === state);
}

/** Sends `count` requests of one span, all of which have to be taken. */
async function deliver(node: TestNode, count: number): Promise<void> {
  await using sender = new OtlpSender(node);
  for (let i = 0; i < count; i++) {
    const { ok } = await sender.send("grpc", "traces", requestOf("traces", [{ name: `span ${i}`, service: "s" }]));
    assert.ok(ok);
  }
}

test("checks of all kinds find a target that is killed while nothing is sent, and find it again", async () => {
  await using grpc = await openGrpcSink();
  await using http = await openHttpSink();
  await using tcp = await openGrpcSink();
  let healthy = true;
  const page = createServer(
    (request, reply) => void reply.writeHead(healthy && request.url === "/up" ? 200 : 503).end(),
  );
  await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
  const address = page.address();
  assert.ok(typeof address === "object" && address !== null);
  const text = `
targets:
  - { id: grpc, endpoint: "http://127.0.0.1:1", health_check: { ${FAST} } }
  - { id: http, endpoint: "http://127.0.0.1:1", protocol: http/protobuf, health_check: { type: otlp, ${FAST} } }
  - { id: tcp, endpoint: "http://127.0.0.1:1", health_check: { type: tcp, ${FAST} } }
  - { id: page, endpoint: "http://127.0.0.1:1", health_check: { type: http, endpoint: "http://127.0.0.1:${address.port}", path: /up, ${FAST} } }
default_pool: { targets: [grpc, http, tcp, page] }
`;
  await using spare = await openGrpcSink();
  await using node = await startTestNode(text, { sinks: { grpc, http, tcp, page: spare } });
  const ids = ["grpc", "http", "tcp", "page"];
  await until(async () => {
    const all = await Promise.all(ids.map((id) => statusOf(node, id)));
    return all.every(({ check }) => check?.result === "passed");
  });
  await Promise.all([grpc.kill(), http.kill(), tcp.kill()]);
  healthy = false;
  await Promise.all(ids.map((id) => untilState(node, id, "down")));
  for (const id of ids) {
    const { reason, nextTryMs, check, share } = await statusOf(node, id);
    assert.deepEqual([reason, check?.result, share], ["check_failed", "failed", 0]);
    assert.ok(nextTryMs !== undefined);
  }
  assert.equal((await statusOf(node, "page")).check?.said, "HTTP 503");
  assert.equal((await node.running.dataPlane.ready()).ready, true, "it can still accept");
  assert.deepEqual(
    (await node.running.dataPlane.undeliverable()).map(({ signal }) => signal),
    ["traces", "metrics", "logs"],
  );
  await Promise.all([grpc.start(), http.start(), tcp.start()]);
  healthy = true;
  await Promise.all(ids.map((id) => untilState(node, id, "ready")));
  for (const id of ids) assert.equal((await statusOf(node, id)).reason, "check_passed");
  page.closeAllConnections();
  page.close();
});

test("state, reason, since and next try of a target that is out are in the metrics", async () => {
  await using sink = await openGrpcSink({ script: refusing(14) });
  const text = `
targets: [{ id: a, endpoint: "http://127.0.0.1:1", health_check: { ${FAST}, fall: 2 } }]
default_pool: { targets: [a] }
`;
  await using node = await startTestNode(text, { sinks: { a: sink } });
  await untilState(node, "a", "down");
  const metrics = exposition((await node.running.dataPlane.snapshot()).metrics);
  for (const line of [
    /^signalbox_target_state\{target="a",state="down"\} 1$/mu,
    /^signalbox_target_state\{target="a",state="ready"\} 0$/mu,
    /^signalbox_target_state_reason\{target="a",reason="check_failed"\} 1$/mu,
    /^signalbox_target_transitions_total\{target="a",from="ready",to="down",reason="check_failed"\} 1$/mu,
    /^signalbox_target_checks_total\{target="a",result="(?:failed|timeout)"\} [1-9]/mu,
    /^signalbox_target_weight_share\{target="a"\} 0$/mu,
  ]) {
    assert.match(metrics, line);
  }
  assert.doesNotMatch(metrics, /signalbox_target_state_reason\{target="a",reason="started"\}/u);
  const nowSeconds = node.env.clock.wallMs() / 1_000;
  const valueOf = (name: string): number =>
    Number(new RegExp(`^${name}\\{target="a"\\} (.*)$`, "mu").exec(metrics)?.[1]);
  for (const name of ["signalbox_target_state_since_seconds", "signalbox_target_next_try_seconds"]) {
    assert.ok(Math.abs(valueOf(name) - nowSeconds) < 60, name);
  }
  assert.ok(node.lines.some(({ msg, target }) => msg === "target is out" && target === "a"));
});

test("an operator's drain moves all data to the other targets, until it ends", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const config = "default_pool: { targets: [a, b], strategy: round_robin }";
  await using node = await startTestNode(config, { sinks: { a, b } });
  const { dataPlane } = node.running;
  await deliver(node, 4);
  assert.ok(a.counts().acceptedItems > 0);
  const untilMs = node.env.clock.wallMs() + 3_600_000;
  assert.equal(await dataPlane.operate("a", { state: "drain", untilMs, note: "upgrade" }), true);
  assert.equal(await dataPlane.operate("nobody", { state: "drain", untilMs, note: "" }), false);
  const before = a.counts().acceptedItems;
  await deliver(node, 10);
  assert.equal(a.counts().acceptedItems, before);
  const { state, reason, note, untilMs: end } = await statusOf(node, "a");
  assert.deepEqual([state, reason, note, end], ["drain", "operator", "upgrade", untilMs]);
  assert.deepEqual(await dataPlane.operatorStates(), [{ id: "a", state: "drain", untilMs, note: "upgrade" }]);

  await dataPlane.operate("a", { state: "maintenance", untilMs: node.env.clock.wallMs() + 50, note: "" });
  await untilState(node, "a", "ready");
  assert.deepEqual([(await statusOf(node, "a")).reason, await dataPlane.operatorStates()], ["expired", []]);
  await deliver(node, 40);
  assert.ok(a.counts().acceptedItems > before);
});

/** What is empty is answered then. */
function checksHeld(asked: Promise<void>): SinkScript {
  return ({ items }) => (items === 0 ? { kind: "held", until: asked, next: OK } : OK);
}

test("a target that a config adds is asked before it gets data; what an operator wants holds when its address changes", async () => {
  const asked = Promise.withResolvers<void>();
  await using a = await openGrpcSink();
  await using b = await openGrpcSink({ script: checksHeld(asked.promise) });
  await using c = await openGrpcSink();
  const config = "default_pool: { targets: [a], strategy: round_robin }";
  await using node = await startTestNode(config, { sinks: { a } });
  const both = "default_pool: { targets: [a, b], strategy: round_robin }";
  assert.equal((await node.apply(both, { b })).kind, "applied");
  const { state, reason } = await statusOf(node, "b");
  assert.deepEqual([state, reason], ["down", "added"]);
  asked.resolve();
  await node.running.dataPlane.operate("a", { state: "drain", untilMs: undefined, note: "for good" });
  await untilState(node, "b", "ready");
  assert.ok(b.counts().checks >= 1);
  assert.equal(b.counts().requests, 0);
  assert.equal((await node.apply(both, { a: c, b })).kind, "applied");
  const { state: wanted, note } = await statusOf(node, "a");
  assert.deepEqual([wanted, note], ["drain", "for good"]);
  await deliver(node, 10);
  assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems, c.counts().acceptedItems], [0, 10, 0]);
});

test("a config that replaces all targets of a pool does not make it wait until they are proven", async () => {
  const asked = Promise.withResolvers<void>();
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  await using c = await openGrpcSink({ script: checksHeld(asked.promise) });
  const pool = "default_pool: { targets: [a, b], strategy: round_robin }";
  await using node = await startTestNode(pool, { sinks: { a, b } });
  assert.equal((await node.apply(pool, { a: c })).kind, "applied");
  assert.equal((await statusOf(node, "a")).state, "down", "b works: there is time to ask");
  asked.resolve();
  await untilState(node, "a", "ready");
  assert.equal((await node.apply(pool, { a: b, b: a })).kind, "applied");
  const states = async (): Promise<string[]> => {
    const all = await Promise.all(["a", "b"].map((id) => statusOf(node, id)));
    return all.map(({ state, reason }) => `${state} ${reason}`);
  };
  assert.equal((await states()).includes("ready started"), true, "b's connections go on as a's");
  await using d = await openGrpcSink();
  await using e = await openGrpcSink();
  assert.equal((await node.apply(pool, { a: d, b: e })).kind, "applied");
  assert.deepEqual(await states(), ["ready added", "ready added"]);
  await deliver(node, 10);
  assert.deepEqual([d.counts().acceptedItems, e.counts().acceptedItems], [5, 5]);
});
