import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { hung, OK, type SinkAnswer, type SinkScript, slow } from "../support/sinks/sink-script.ts";
import { until } from "./fault-sender.ts";
import { ANSWER_MS, FaultsScene, type Protocol, UNDER_WAY } from "./faults-scene.ts";

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

interface Fault {
  readonly name: string;
  readonly protocol: Protocol;
  readonly strategies: readonly string[];
  readonly begin: (sink: Sink) => Promise<void>;
  readonly end: (sink: Sink) => Promise<void>;
  readonly reasons: readonly string[];
  /** Of its calls. */
  readonly timeout?: string;
}

async function works(sink: Sink): Promise<void> {
  sink.script = slow(ANSWER_MS);
}

function script(answer: () => SinkScript): Pick<Fault, "begin" | "end"> {
  return { begin: async (sink) => void (sink.script = answer()), end: works };
}

/** Checks carry no items. */
function onlyData(answer: SinkAnswer): SinkScript {
  return ({ items }) => (items === 0 ? OK : answer);
}

const UNAVAILABLE = { grpc: GRPC.UNAVAILABLE, http: 503 };

const faults: readonly Fault[] = [
  {
    name: "is killed",
    protocol: "grpc",
    strategies: ALL_STRATEGIES,
    begin: (sink) => sink.kill(),
    end: (sink) => sink.start(),
    reasons: ["connect", "reset", "check_failed"],
  },
  {
    name: "hangs",
    protocol: "grpc",
    strategies: ["round_robin", "least_connections", "consistent_hash", FAILOVER],
    ...script(() => hung),
    reasons: ["timeout", "check_failed"],
    timeout: "1s",
  },
  ...(["grpc", "http"] as const).flatMap((protocol): Fault[] => [
    {
      name: `answers checks, and calls with ${UNAVAILABLE[protocol]}`,
      protocol,
      strategies: protocol === "grpc" ? ["round_robin", FAILOVER] : ["least_connections"],
      ...script(() => onlyData({ kind: "status", code: UNAVAILABLE[protocol] })),
      reasons: ["unavailable", "success_rate"],
    },
  ]),
];

// Half of their time they wait until a target has rested: several of them together.
describe("one of four targets fails", { concurrency: 4 }, () => {
  for (const { name, protocol, strategies, begin, end, reasons, timeout } of faults) {
    for (const strategy of strategies) {
      test(`${protocol}, ${strategy}: one of four targets ${name}: it is left alone, all can see why, and it returns by itself`, async () => {
        await using scene = await FaultsScene.open(protocol, strategy, timeout);
        await scene.begin();
        await begin(scene.bad);
        await scene.untilOut();
        const { reason } = await scene.told();
        assert.ok(reasons.includes(reason), reason);
        await scene.assertLeftAlone(LOAD, IN_A_ROW);
        await end(scene.bad);
        await scene.untilBack();
        await scene.accepted(10);
        await scene.conclude(UNDER_WAY);
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
    const probes = await scene.entered("bad", "probing");
    await until(() => checks >= passed + 12);
    const transitions = (await scene.node.series("targetTransitions")).map(({ labels }) => labels);
    const ends = transitions.filter(([id, from]) => id === "bad" && from === "ejected").map(([, , , reason]) => reason);
    assert.deepEqual(ends, (await scene.entered("bad", "probing")) === probes ? [] : ["rest_over"]);
    assert.equal(await scene.entered("bad", "ready"), 0);
    await works(scene.bad);
    await scene.untilBack();
    await scene.conclude(UNDER_WAY);
  });
});
