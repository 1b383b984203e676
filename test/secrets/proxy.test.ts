import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC_TRANSPORTS } from "../../src/core/grpc-transport.ts";
import { callApi } from "../admin/api-client.ts";
import { requestOf } from "../support/items.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { refusal, TestProxy } from "../support/proxy.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";

const PASSWORD = "mk7q3zz9";
const TOKEN = Buffer.from(`ann:${PASSWORD}`).toString("base64");
const READ = ["node", "config", "config?format=yaml", "pools", "targets", "targets/far", "config/versions", "events"];
const WAYS = [
  ...GRPC_TRANSPORTS.map((transport) => ({ protocol: "grpc", transport })),
  { protocol: "http/protobuf", transport: "own" },
];

async function send(node: TestNode, name: string): Promise<boolean> {
  await using sender = new OtlpSender(node);
  return (await sender.send("grpc", "traces", requestOf("traces", [{ name }]), {})).ok;
}

/** Nothing that can be read of the node has the password, in any form. */
async function assertUntold(node: TestNode): Promise<void> {
  const texts = [JSON.stringify(node.lines)];
  for (const path of READ) {
    const answer = await callApi(node.admin, `/api/v1/${path}`, {});
    if (path !== "events") assert.equal(answer.status, 200, path);
    texts.push(answer.text);
  }
  texts.push((await callApi(node.admin, "/metrics", {})).text);
  for (const text of texts) for (const form of [PASSWORD, TOKEN]) assert.ok(!text.includes(form), text.slice(0, 500));
}

for (const { protocol, transport } of WAYS) {
  const open = protocol === "grpc" ? openGrpcSink : openHttpSink;
  const target = (port: number): object => ({
    id: "far",
    endpoint: `http://tempo.invalid:${port}`,
    protocol,
    transport,
    health_check: false,
  });

  test(`${protocol} ${transport}: a proxy of the environment is used, and its password told by nothing`, async () => {
    await using sink = await open();
    await using proxy = await TestProxy.open({ credentials: `ann:${PASSWORD}` });
    const env = { http_proxy: proxy.url.replace("//", `//ann:${PASSWORD}@`) };
    await using node = await startTestNode({ targets: [target(sink.port)] }, { env });
    assert.equal(await send(node, "one"), true);
    assert.equal(sink.counts().acceptedItems, 1);
    assert.equal(proxy.asked.length, 1);
    // Another config goes the same way, on the same connection.
    await node.apply({ targets: [{ ...target(sink.port), weight: 2 }] });
    assert.equal(await send(node, "two"), true);
    assert.deepEqual([sink.counts().acceptedItems, proxy.asked.length], [2, 1]);
    await assertUntold(node);
  });

  test(`${protocol} ${transport}: what a proxy refuses goes to the next target, and its words are told without the password`, async () => {
    await using near = await openGrpcSink();
    await using proxy = await TestProxy.open();
    proxy.answer = refusal(403, `ann:${PASSWORD} may not`);
    const far = { ...target(4317), proxy: proxy.url.replace("//", `//ann:${PASSWORD}@`) };
    const pool = { targets: ["far", "near"], strategy: "failover" };
    const config = { targets: [far, { id: "near", endpoint: near.url }], default_pool: pool };
    await using node = await startTestNode(config);
    assert.equal(await send(node, "one"), true);
    assert.ok(proxy.asked.length >= 1);
    assert.equal(near.counts().acceptedItems, 1);
    const { text } = await callApi(node.admin, "/metrics", {});
    assert.match(text, /outcome="connect"/u);
    assert.ok(!/target="far",[^\n]*outcome="rejected"[^\n]* [1-9]/u.test(text));
    await assertUntold(node);
  });
}

test("a variable that names no proxy is told once, without what it says, and targets are reached without one", async () => {
  await using sink = await openGrpcSink();
  const env = { HTTP_PROXY: `socks5://ann:${PASSWORD}@127.0.0.1:1` };
  await using node = await startTestNode({ targets: [{ id: "far" }] }, { env, sinks: { far: sink } });
  assert.equal(await send(node, "one"), true);
  const warnings = node.lines.filter(({ variable }) => variable === "HTTP_PROXY");
  assert.equal(warnings.length, 1);
  await assertUntold(node);
});
