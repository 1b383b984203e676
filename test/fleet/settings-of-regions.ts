import assert from "node:assert/strict";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import type { EtcdServer } from "../support/etcd-server.ts";
import { type FleetDoc, RealFleet } from "../support/fleet/real-fleet.ts";
import { requestOf } from "../support/items.ts";
import type { TestNode } from "../support/node.ts";
import { OtlpSender, type SenderAnswer } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { OK, type SinkScript } from "../support/sinks/sink-script.ts";
import { run, viewOf } from "./node-view.ts";

interface Scene {
  readonly fleet: RealFleet;
  readonly near: Sink;
  readonly far: Sink;
  readonly eu: TestNode;
  readonly us: TestNode;
}

/** Where nothing else is said, data goes to the near target. */
function documentOf({ near, far }: Pick<Scene, "far" | "near">, regions: FleetDoc): FleetDoc {
  return {
    targets: [
      { id: "near", endpoint: near.url, region: "here" },
      { id: "far", endpoint: far.url, region: "there" },
    ],
    pools: {
      main: {
        targets: ["near", "far"],
        strategy: { type: "geography", then: ["here", "there"] },
        batch: { max_items: 1 },
        retry: { initial: "1ms", max: "1ms" },
      },
    },
    default_pool: "main",
    regions,
  };
}

const EU = {
  routing_preference: ["there"],
  buffer_size: 10,
  batch: { max_items: 3, max_wait: "30s" },
  retry: { max_retries: 0 },
};

/**
 * What a region is to have reaches its nodes and no others, also when it is registered while they
 * run.
 */
export async function settingsReachRegions(etcd: EtcdServer): Promise<void> {
  await using near = await openGrpcSink();
  await using far = await openGrpcSink();
  await using fleet = new RealFleet({ kind: "etcd", endpoints: etcd.endpoints, compact: false }, "/regions");
  await fleet.publish(documentOf({ near, far }, {}), "--init");
  const more = { limits: { request_timeout: "100s", max_timeout: "100s" } };
  const eu = await fleet.inProcess({ id: "e1", region: "eu", more });
  const us = await fleet.inProcess({ id: "u1", region: "us", more });
  const scene: Scene = { fleet, near, far, eu, us };
  assert.deepEqual(await settings(scene), ["defaults", "defaults"]);
  assert.deepEqual(await sent(scene, eu, 1), { near: 1, far: 0 });
  assert.deepEqual(await sent(scene, us, 1), { near: 1, far: 0 });

  await fleet.publish(documentOf({ near, far }, { eu: EU }));
  await run([eu, us], 2);
  assert.deepEqual(await settings(scene), ["region", "defaults"]);
  assert.deepEqual(await sent(scene, eu, 3), { near: 0, far: 1 });
  assert.deepEqual(await sent(scene, us, 3), { near: 3, far: 0 });
  assert.deepEqual([await buffer(eu), await buffer(us)], [10, 0]);
  assert.deepEqual(await refusedOnce(scene, eu), { requests: 1, failed: 3 });
  assert.deepEqual(await refusedOnce(scene, us), { requests: 4, failed: 0 });

  await isRegisteredWhileTheyRun(scene);
}

async function isRegisteredWhileTheyRun(scene: Scene): Promise<void> {
  const { fleet, eu, us } = scene;
  const at = ["--url", `http://${eu.admin}`];
  const added = await fleet.cli("regions", "add", "--id", "us", "--prefer", "there", ...at);
  assert.equal(added.code, 0, added.err);
  await run([eu, us], 3);
  assert.deepEqual(await settings(scene), ["region", "region"]);
  assert.deepEqual(await sent(scene, us, 1), { near: 0, far: 1 });
  assert.deepEqual(await sent(scene, eu, 3), { near: 0, far: 1 });
  const removed = await fleet.cli("regions", "remove", "eu", ...at);
  assert.equal(removed.code, 0, removed.err);
  await run([eu, us], 4);
  assert.deepEqual(await settings(scene), ["defaults", "region"]);
  assert.deepEqual(await sent(scene, eu, 1), { near: 1, far: 0 });
  assert.deepEqual(await sent(scene, us, 1), { near: 0, far: 1 });
  assert.deepEqual([await buffer(eu), await buffer(us)], [0, 0]);
}

async function settings({ eu, us }: Scene): Promise<readonly string[]> {
  return [(await viewOf(eu)).region_settings, (await viewOf(us)).region_settings];
}

async function buffer(node: TestNode): Promise<number> {
  return node.metric("queueItemsLimit");
}

/** So many requests of one item, at the same time; what of it comes to either target. */
async function sent({ near, far }: Scene, node: TestNode, count: number): Promise<Readonly<Record<string, number>>> {
  const before = { near: near.counts().requests, far: far.counts().requests };
  const got = await send(node, count);
  assert.ok(got.every(({ ok }) => ok));
  return { near: near.counts().requests - before.near, far: far.counts().requests - before.far };
}

/** Three requests, of which the first that comes to a target is refused once. */
async function refusedOnce({ near, far }: Scene, node: TestNode): Promise<Readonly<Record<string, number>>> {
  let requests = 0;
  const script: SinkScript = () => (requests++ === 0 ? { kind: "status", code: GRPC.UNAVAILABLE } : OK);
  for (const sink of [near, far]) sink.script = script;
  const got = await send(node, 3);
  return { requests, failed: got.filter(({ ok }) => !ok).length };
}

async function send(node: TestNode, count: number): Promise<readonly SenderAnswer[]> {
  await using sender = new OtlpSender({ grpc: node.grpc, http: node.http });
  const bodies = Array.from({ length: count }, (_, at) => requestOf("logs", [{ name: `item ${at}` }]));
  return await Promise.all(bodies.map((body) => sender.send("grpc", "logs", body)));
}
