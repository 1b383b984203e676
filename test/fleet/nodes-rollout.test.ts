import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { callApi } from "../admin/api-client.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { type FleetDoc, RealFleet, type RealNode } from "../support/fleet/real-fleet.ts";
import { LeapingClock } from "../support/leaping-clock.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { flapping } from "../support/sinks/sink-script.ts";
import { type AskedNode, follows, run, untilEqual, viewOf } from "./node-view.ts";

/**
 * `REAL_TIME=1 node test/fleet/nodes-rollout.test.ts`: nodes are processes, and the windows of the
 * gate take their 30 s. Else all nodes are in this process, with a clock that the test moves on.
 */
const IS_REAL_TIME = process.env["REAL_TIME"] === "1";
/** Of the nodes' clock, between two requests of each sender. */
const STEP_MS = IS_REAL_TIME ? 250 : 2_000;
/** A rollout takes some minutes. */
const MOST_STEPS = 1_000_000 / STEP_MS;

/** Of `GET /api/v1/config/rollout`. */
const RolloutShape = z.object({
  state: z.string(),
  version: z.number(),
  stage: z.string(),
  passed: z.array(z.string()),
  nodes: z.array(z.object({ id: z.string() })),
  reason: z.string(),
  windows: z.array(
    z.object({ stage: z.string(), verdict: z.string(), canary: z.object({ failure_ratio: z.number() }) }),
  ),
});

type FleetNode = AskedNode & { readonly grpc: string };

interface Stage {
  readonly fleet: RealFleet;
  readonly clock: LeapingClock;
  readonly sinks: { readonly good: Sink; readonly bad: Sink };
  readonly nodes: { readonly n1: FleetNode; readonly n2: FleetNode; readonly n3: FleetNode };
  readonly senders: { readonly n1: Sender; readonly n2: Sender; readonly n3: Sender };
}

/** Items of each request: whoever has as much traffic as is usual is asked first, as a rule n2. */
const ITEMS = { n1: 160, n2: 200, n3: 400 } as const;

/** Every other request is refused for good. */
const HALF = flapping(1, 1, { kind: "status", code: 3, message: "it wants no such data" });

let stage: Stage;
const opened = new AsyncDisposableStack();
before(async () => {
  stage = await openStage();
});
after(() => opened.disposeAsync());

// Three whole nodes on etcd, which have load all the time. The leader of the fleet is one of them.
test("a staged config that makes its canary's error rate rise is halted and rolled back by the gate", (t) =>
  rollsBack(stage, t));
test("a staged config that one node refuses is halted and rolled back, wherever it was good before", (t) =>
  oneRefuses(stage, t));

async function openStage(): Promise<Stage> {
  const etcd = opened.use(await EtcdServer.open());
  const sinks = { good: opened.use(await openGrpcSink()), bad: opened.use(await openGrpcSink({ script: HALF })) };
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  const fleet = opened.use(new RealFleet(settings, "/rollout", { lease: "60s" }));
  await fleet.publish(documentOf(sinks, "good"), "--init");
  const clock = new LeapingClock();
  const start = (node: RealNode): Promise<FleetNode> =>
    IS_REAL_TIME ? fleet.process(node) : fleet.inProcess(node, clock);
  const usual = { region: "eu", fleet: { report_interval: "5s" }, more: { secrets: { env: ["FLEET_*"] } } };
  const env = { FLEET_TOKEN: "s3cret" };
  const n1 = await start({ ...usual, id: "n1", env });
  await follows(n1, "n1");
  const n2 = await start({ ...usual, id: "n2", roles: ["collector"], env });
  const n3 = await start({ ...usual, id: "n3", roles: ["collector"] });
  const nodes = { n1, n2, n3 };
  await Promise.all([n2, n3].map((node) => follows(node, "n1")));
  await run([n1, n2, n3], 1);
  const sender = (id: keyof typeof ITEMS, source: number): Sender =>
    opened.use(
      new Sender({
        via: "grpc",
        address: nodes[id].grpc,
        source,
        service: id,
        itemsPerRequest: ITEMS[id],
        parallel: 1,
      }),
    );
  return { fleet, clock, sinks, nodes, senders: { n1: sender("n1", 1), n2: sender("n2", 2), n3: sender("n3", 3) } };
}

function documentOf({ good, bad }: Stage["sinks"], target: "bad" | "good", header = ""): FleetDoc {
  return {
    targets: [
      { id: "good", endpoint: good.url, ...(header !== "" && { headers: { "x-token": header } }) },
      { id: "bad", endpoint: bad.url },
    ],
    pools: { main: { targets: [target] } },
    default_pool: "main",
  };
}

async function rolloutOf({ n1 }: Stage["nodes"]): Promise<z.output<typeof RolloutShape>> {
  return RolloutShape.parse((await callApi(n1.admin, "/api/v1/config/rollout")).json());
}

/** With the load of the time that it takes. */
async function untilRollout({ clock, nodes, senders }: Stage, state: string): Promise<z.output<typeof RolloutShape>> {
  for (let steps = 0; ; steps++) {
    const rollout = await rolloutOf(nodes);
    if (rollout.state === state) return rollout;
    assert.ok(rollout.state === "running" && steps < MOST_STEPS, JSON.stringify(rollout));
    await Promise.all(Object.values(senders).map((sender) => sender.sendOne()));
    if (IS_REAL_TIME) await pause(STEP_MS);
    else clock.leap(STEP_MS);
  }
}

/** All run what they ran before, and nothing of it fails. */
async function allIsWell({ nodes, senders }: Stage): Promise<void> {
  const all = Object.values(nodes);
  await run(all, 1);
  for (const node of all) await untilEqual(null, async () => (await viewOf(node)).config.fleet?.trouble);
  for (const sender of Object.values(senders)) {
    const { answer } = await sender.sendOne();
    assert.equal(answer.kind, "taken", JSON.stringify(answer));
  }
}

async function rollsBack(at: Stage, t: TestContext): Promise<void> {
  const { fleet, sinks, senders } = at;
  await fleet.publish(documentOf(sinks, "bad"), "--staged");
  const { reason, windows, nodes } = await untilRollout(at, "rolled_back");
  const told = windows.map(({ verdict, canary }) => `${verdict} ${canary.failure_ratio}`).join(", ");
  t.diagnostic(`${reason}; windows of the gate: ${told}`);
  assert.match(reason, /of the items fail where it runs, and 0\.00 % elsewhere/u);
  const last = windows.slice(-2).map((window) => `${window.stage} ${window.verdict}`);
  assert.deepEqual(last, ["node over", "node over"]);
  const seen = Object.values(senders).filter(({ failures }) => failures.length > 0);
  assert.deepEqual(
    seen.map(({ service }) => service),
    nodes.map(({ id }) => id),
    "who sends to the canary has seen it, and nobody else",
  );
  const { accepted } = sinks.bad.counts();
  await allIsWell(at);
  assert.equal(sinks.bad.counts().accepted, accepted);
  const again = await fleet.apply(documentOf(sinks, "bad"), "--staged");
  assert.match(again.err, /--again/u);
  assert.notEqual(again.code, 0);
}

/** Only n3 has no such variable: as a rule that is found out once all are told. */
async function oneRefuses(at: Stage, t: TestContext): Promise<void> {
  const { fleet, sinks, senders } = at;
  const failures = (): number[] => Object.values(senders).map((sender) => sender.failures.length);
  const known = failures();
  await fleet.publish(documentOf(sinks, "good", "${env:FLEET_TOKEN}"), "--staged");
  const { reason, stage: of, passed } = await untilRollout(at, "rolled_back");
  t.diagnostic(`stage ${of}, after ${passed.join(", ")}: ${reason}`);
  assert.match(reason, /^n3 refuses it: .*FLEET_TOKEN/u);
  await allIsWell(at);
  assert.deepEqual(failures(), known, "none that any node ran has failed");
}
