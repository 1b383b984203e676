import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { namesIn, requestOf } from "../support/items.ts";
import { startTestNode } from "../support/node.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { toOtlpJson } from "../support/oracle/otlp-json.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { exampleWith, readExample, validateExample } from "./example.ts";

test("minimal.yaml: all signals that arrive over gRPC and over HTTP reach the one target", async () => {
  await using tempo = await openGrpcSink();
  // The target's port is that of the sink; 4317 and 4318 are defaults, which the test node replaces
  // by free ports.
  const text = exampleWith("minimal.yaml", { "http://127.0.0.1:14317": tempo.url });
  await using node = await startTestNode(text);
  await using sender = new OtlpSender(node);
  const sent: string[] = [];
  for (const signal of SIGNALS) {
    for (const way of ["grpc", "http", "json"] as const) {
      const name = `${signal} by ${way}`;
      const bytes = requestOf(signal, [{ name, service: "any" }]);
      const body = way === "json" ? Buffer.from(toOtlpJson(signal, decodeRequest(signal, bytes))) : bytes;
      assert.deepEqual(await sender.send(way, signal, body), SUCCESS[way]);
      sent.push(name);
    }
  }
  assert.deepEqual(namesIn(tempo.requests), sent);
});

const FULL = { ok: true, rejected: 0, message: "", retryMs: undefined };
const SUCCESS = { grpc: { ...FULL, code: 0 }, http: { ...FULL, code: 200 }, json: { ...FULL, code: 200 } };

test("global-config.yaml: loads, and the warnings say what is not active", () => {
  const { exitCode, stdout } = validateExample("global-config.yaml");
  assert.equal(exitCode, 0, stdout);
  assert.doesNotMatch(stdout, /error:/u);
  assert.match(stdout, /^global-config\.yaml:\d+:\d+: warning: global\.sampling_rate: /mu);
  assert.match(stdout, /warning: global\.routing_rules\[0\]\.target_region: /u);
});

test("global-config.yaml: without targets data is refused so that senders try again, and the node is not ready", async () => {
  await using node = await startTestNode(readExample("global-config.yaml"));
  await using sender = new OtlpSender(node);
  for (const signal of SIGNALS) {
    const bytes = requestOf(signal, [{ name: "kept by its sender", service: "critical-1" }]);
    const grpc = await sender.send("grpc", signal, bytes);
    assert.equal(grpc.code, GRPC.UNAVAILABLE);
    assert.ok(grpc.retryMs !== undefined && grpc.retryMs > 0);
    const http = await sender.send("http", signal, bytes);
    assert.equal(http.code, 503);
    assert.ok(http.retryMs !== undefined && http.retryMs > 0);
    assert.match(http.message, /nothing is configured to deliver to yet/u);
  }
  const ready = await fetch(`http://${node.admin}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /no pool is configured/u);
});

test("broken.yaml: validate tells all problems at once, each with its place, and exits with 3", () => {
  const { exitCode, stdout } = validateExample("broken.yaml");
  assert.equal(exitCode, 3);
  const marked = readExample("broken.yaml")
    .split("\n")
    .flatMap((line, i) => (i < 2 ? [] : Array.from(line.matchAll(/\(!\)/gu), () => i + 1)));
  const told = Array.from(stdout.matchAll(/^broken\.yaml:(\d+):\d+: error: /gmu), (match) => Number(match[1]));
  assert.deepEqual(told, marked);
  assert.match(stdout, /^broken\.yaml:13:\d+: warning: /mu);
  for (const hint of ['"http://127.0.0.1:4317"', '"weight"', '"b"', '"server"']) {
    assert.ok(stdout.includes(`did you mean ${hint}`), hint);
  }
});
