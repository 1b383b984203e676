import assert from "node:assert/strict";
import { test } from "node:test";
import { HOPS_HEADER } from "../../src/plan/hops.ts";
import { membersKey } from "../../src/plan/members.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";
import { MemberBoard } from "../../src/data/resolve/member-board.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { spans } from "./channel-rig.ts";

const ITEMS = spans([
  { name: "s", trace: 1 },
  { name: "t", trace: 2 },
]);

function found(tier: string, protocol: "grpc" | "http/protobuf" = "grpc"): object {
  return { collectors: { tags: { tier } }, id: tier, protocol, health_check: false, slow_start: 0 };
}

function keyOf(tier: string, listener: "otlp_grpc" | "otlp_http" = "otlp_grpc"): string {
  return membersKey({ region: "default", tags: { tier }, listener });
}

test("what two tiers of one document send to each other in a circle is refused after some links, and its sender hears it", async () => {
  const rules = ["a", "b"].map((tier) => ({ id: tier, targets: found(tier) }));
  const start = (tier: string, hops: number): Promise<TestNode> => {
    return startTestNode({ node: { tags: { tier }, limits: { max_hops: hops } }, rules, unmatched: "refuse" });
  };
  await using a = await start("a", 2);
  await using b = await start("b", 16);
  await a.running.dataPlane.discovered([{ of: keyOf("b"), members: [{ id: "b", address: b.grpc, utilization: 0 }] }]);
  await b.running.dataPlane.discovered([{ of: keyOf("a"), members: [{ id: "a", address: a.grpc, utilization: 0 }] }]);
  await using sender = new OtlpSender(a);
  const answer = await sender.send("grpc", "traces", ITEMS);
  assert.deepEqual([answer.ok, answer.rejected], [true, 2]);
  assert.match(answer.message, /more than 2 links .* \(node\.limits\.max_hops\)/u);
  // It comes to b over one link and over three; to a over two, and over four no more.
  assert.equal((await b.ledger()).received, 4);
  assert.deepEqual([await a.metric("circlingItems"), await b.metric("circlingItems")], [2, 0]);
  for (const node of [a, b]) {
    const target = (await node.status()).targets.find(({ addresses }) => addresses.length > 0);
    assert.equal(target?.state, "ready");
    await node.assertBalanced();
  }
});

for (const [protocol, listener] of [
  ["grpc", "otlp_grpc"],
  ["http/protobuf", "otlp_http"],
] as const) {
  test(`${protocol}: nodes of the fleet are told over how many links it has come, other targets are not`, async () => {
    await using node1 = await (protocol === "grpc" ? openGrpcSink() : openHttpSink());
    await using other = await openGrpcSink();
    const config = {
      targets: [{ id: "other" }],
      rules: [{ id: "copy", mode: "copy", pool: "others" }],
      pools: { others: { targets: ["other"] } },
      default_pool: { targets: { ...found("a", protocol), headers: { [HOPS_HEADER]: "0" } } },
    };
    await using node = await startTestNode(config, { sinks: { other } });
    const address = node1.url.slice("http://".length);
    await node.running.dataPlane.discovered([
      { of: keyOf("a", listener), members: [{ id: "n1", address, utilization: 0 }] },
    ]);
    await node.running.dataPlane.ready();
    await using sender = new OtlpSender(node);
    assert.equal((await sender.send("grpc", "traces", ITEMS)).ok, true);
    assert.deepEqual(
      [...node1.requests, ...other.requests].map(({ headers }) => headers[HOPS_HEADER]),
      ["1", undefined],
    );
  });
}

test("each batch for nodes of the fleet has come over one number of links, and what is sent on is one more", async () => {
  const board = new MemberBoard();
  board.tell([{ of: keyOf("a"), members: [{ id: "m", address: "m.test:1", utilization: 0 }] }]);
  const pool = JSON.stringify({ targets: found("a"), batch: { max_wait: "1s" } });
  await using rig = new Rig(`default_pool: ${pool}`, { members: board, resolver: new ScriptedResolver() });
  for (const hops of ["1", "1", undefined, undefined, "3", "no number"]) {
    rig.handle("traces", ITEMS, 10_000, hops === undefined ? {} : { [HOPS_HEADER]: hops });
  }
  rig.advance(1_000);
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assert.deepEqual(
    rig.calls.map(({ batch }) => [batch.hops, batch.items, batch.headers]),
    [
      [2, 4, NO_HEADERS],
      [1, 4, NO_HEADERS],
      [4, 2, NO_HEADERS],
      [1, 2, NO_HEADERS],
    ],
  );
});

test("where no target is a node of the fleet nothing is counted", async () => {
  await using rig = new Rig("targets: [{ id: t, endpoint: 'http://t.test:1' }]\ndefault_pool: { targets: [t] }");
  const { replies } = rig.handle("traces", ITEMS, 10_000, { [HOPS_HEADER]: "9999" });
  assert.deepEqual([replies, rig.calls.map(({ batch }) => batch.hops)], [[], [0]]);
  rig.answer(0, ACCEPTED);
});
