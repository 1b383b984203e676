import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { hung, OK, type SinkAnswer, type SinkScript, slow } from "../support/sinks/sink-script.ts";
import { until } from "./fault-sender.ts";
import { ANSWER_MS, FaultsScene, MAX_IN_FLIGHT, NAMES, type Protocol, UNDER_WAY } from "./faults-scene.ts";

const FAILOVER = "{ type: failover, return_after: 300ms }";
const ALL_STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "least_connections",
  "latency",
  "load_latency",
  "consistent_hash",
  FAILOVER,
];
/** Requests of each sender while the target fails. */
const LOAD = 100;
const IN_A_ROW = 5;
const FOR_A_SHARE = 20;

interface Fault {
  readonly name: string;
  readonly protocol: Protocol;
  readonly strategies: readonly string[];
  readonly begin: (sink: Sink) => Promise<void>;
  readonly end: (sink: Sink) => Promise<void>;
  readonly reasons: readonly string[];
  /** Calls until it is out again. */
  readonly findOut: number;
  /** Senders are told of refusals. */
  readonly refusals?: boolean;
}

async function works(sink: Sink): Promise<void> {
  sink.script = slow(ANSWER_MS);
}

function script(answer: () => SinkScript): Pick<Fault, "begin" | "end"> {
  return { begin: async (sink) => void (sink.script = answer()), end: works };
}

/** Every other request, of checks and of data alike. */
function half(code: number): SinkScript {
  let count = 0;
  return () => (count++ % 2 === 0 ? OK : { kind: "status", code });
}

/** Checks carry no items. */
function onlyData(answer: SinkAnswer): SinkScript {
  return ({ items }) => (items === 0 ? OK : answer);
}

const STATUS = {
  grpc: { unavailable: GRPC.UNAVAILABLE, broken: GRPC.INTERNAL, denied: GRPC.PERMISSION_DENIED },
  http: { unavailable: 503, broken: 500, denied: 403 },
};

const faults: readonly Fault[] = [
  {
    name: "is killed",
    protocol: "grpc",
    strategies: ALL_STRATEGIES,
    begin: (sink) => sink.kill(),
    end: (sink) => sink.start(),
    reasons: ["connect", "reset", "check_failed"],
    findOut: IN_A_ROW,
  },
  {
    name: "hangs",
    protocol: "grpc",
    strategies: ["round_robin", "least_connections", "consistent_hash", FAILOVER],
    ...script(() => hung),
    reasons: ["timeout", "check_failed"],
    findOut: IN_A_ROW,
  },
  ...(["grpc", "http"] as const).flatMap((protocol): Fault[] => [
    {
      name: `fails every other call with ${STATUS[protocol].unavailable}`,
      protocol,
      strategies: protocol === "grpc" ? ["round_robin", "consistent_hash"] : ["weighted_round_robin"],
      ...script(() => half(STATUS[protocol].unavailable)),
      reasons: ["success_rate", "unavailable", "check_failed"],
      findOut: FOR_A_SHARE,
    },
    {
      name: `refuses every other call with ${STATUS[protocol].broken}`,
      protocol,
      strategies: protocol === "grpc" ? ["least_connections"] : ["round_robin"],
      ...script(() => half(STATUS[protocol].broken)),
      reasons: ["success_rate", "check_failed"],
      findOut: FOR_A_SHARE,
      refusals: true,
    },
    {
      name: `answers checks, and calls with ${STATUS[protocol].unavailable}`,
      protocol,
      strategies: protocol === "grpc" ? ["round_robin", FAILOVER] : ["least_connections"],
      ...script(() => onlyData({ kind: "status", code: STATUS[protocol].unavailable })),
      reasons: ["unavailable", "success_rate"],
      findOut: IN_A_ROW,
    },
    {
      name: `answers checks, and calls with ${STATUS[protocol].denied}`,
      protocol,
      strategies: protocol === "grpc" ? ["least_connections"] : ["load_latency"],
      ...script(() => onlyData({ kind: "status", code: STATUS[protocol].denied })),
      reasons: ["success_rate"],
      findOut: FOR_A_SHARE,
      refusals: true,
    },
  ]),
];

for (const { name, protocol, strategies, begin, end, reasons, findOut, refusals } of faults) {
  for (const strategy of strategies) {
    test(`${protocol}, ${strategy}: one of four targets ${name}: it is left alone, all can see why, and it returns by itself`, async () => {
      await using scene = await FaultsScene.open(protocol, strategy);
      await scene.begin();
      await begin(scene.bad);
      await scene.untilOut();
      const { reason } = await scene.told();
      assert.ok(reasons.includes(reason), reason);
      await scene.assertLeftAlone(LOAD, findOut);
      await end(scene.bad);
      await scene.untilBack();
      await scene.accepted(10);
      await scene.conclude(UNDER_WAY, refusals);
    });
  }
}

test("grpc: a target that answers checks while calls fail rests to the end, however many checks pass", async () => {
  await using scene = await FaultsScene.open("grpc", "round_robin");
  await scene.begin();
  let checks = 0;
  scene.bad.script = ({ items }) => {
    if (items > 0) return { kind: "status", code: GRPC.UNAVAILABLE };
    checks++;
    return OK;
  };
  await scene.untilOut();
  const passed = checks;
  const probes = scene.entered("bad", "probing");
  await until(() => checks >= passed + 12);
  const transitions = [...scene.node.env.metrics.targetTransitions.series.values()].map(({ labels }) => labels);
  const ends = transitions.filter(([id, from]) => id === "bad" && from === "ejected").map(([, , , reason]) => reason);
  assert.deepEqual(ends, scene.entered("bad", "probing") === probes ? [] : ["rest_over"]);
  assert.equal(scene.entered("bad", "ready"), 0);
  await works(scene.bad);
  await scene.untilBack();
  await scene.conclude(UNDER_WAY);
});

test("grpc, latency: a target that refuses every other call gets next to nothing, ejected or not", async () => {
  await using scene = await FaultsScene.open("grpc", "latency");
  await scene.begin();
  const everyOther = half(GRPC.INTERNAL);
  scene.bad.script = (request, nth) => (request.items === 0 ? OK : everyOther(request, nth));
  const before = { bad: scene.sends("bad"), all: scene.sends() };
  await scene.proceed(3 * LOAD);
  const share = (scene.sends("bad") - before.bad - MAX_IN_FLIGHT) / (scene.sends() - before.all);
  assert.ok(share < 0.05, `${share} of the calls`);
  await scene.conclude(UNDER_WAY, true);
});

const SLOW_MS = 10 * ANSWER_MS;
/** Of the calls, beside those that were under way, at most: a quarter would be its part. */
const slowShares = { latency: 0.05, least_connections: 0.16, load_latency: 0.22 };
for (const [strategy, most] of Object.entries(slowShares)) {
  test(`grpc, ${strategy}: a target that becomes ten times as slow gets less, stays ready, and has its part again afterwards`, async () => {
    await using scene = await FaultsScene.open("grpc", strategy);
    await scene.begin();
    scene.bad.script = slow(SLOW_MS);
    await scene.accepted(2);
    const before = { bad: scene.sends("bad"), all: scene.sends() };
    await scene.proceed(3 * LOAD);
    const share = (scene.sends("bad") - before.bad - MAX_IN_FLIGHT) / (scene.sends() - before.all);
    assert.ok(share < most, `${share} of the calls`);
    assert.deepEqual(
      NAMES.map((id) => scene.status(id).state),
      ["ready", "ready", "ready", "ready"],
    );
    await works(scene.bad);
    await scene.accepted(2);
    await scene.conclude(UNDER_WAY);
    for (const sender of scene.senders) assert.deepEqual(sender.failures, []);
  });
}
