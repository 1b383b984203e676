import { GRPC_TRANSPORTS } from "../src/core/grpc-transport.ts";
import type { GrpcTransport } from "../src/core/grpc-transport.ts";
import { chosenAttacks, measureAttacks } from "./attack/under-attack.ts";
import type { AttacksResult } from "./attack/under-attack.ts";
import { measureConnections } from "./connections/connections.ts";
import type { ConnectionsResult } from "./connections/connections.ts";
import { measureFairness } from "./fairness/fairness.ts";
import type { FairnessResult } from "./fairness/fairness.ts";
import { measurePart, PARTS } from "./parts/parts.ts";
import type { PartOptions, PartResult } from "./parts/parts.ts";
import { reasonOf } from "./results.ts";
import type { Results } from "./results.ts";
import { ROUTERS, SIGNALBOX } from "./system.ts";
import type { System } from "./system.ts";

export type ProbeResult = ConnectionsResult | FairnessResult | AttacksResult | PartResult;
export type ProbeName = ProbeResult["kind"];

export interface Probe {
  readonly name: ProbeName;
  readonly title: string;
  /** Comes with --short, too, with smaller numbers. All others do so when they are named. */
  readonly short: boolean;
}

/** Cases that are no load to be carried: each has a table of its own. */
export const PROBES: readonly Probe[] = [
  { name: "connections", title: "10,000 connections with little traffic", short: true },
  { name: "fairness", title: "one connection with 1,000 open streams", short: true },
  { name: "attacks", title: "attacks beside a well-behaved client", short: true },
  ...PARTS.map((part) => ({ ...part, short: false })),
];

/** Run only when they are named. */
export const NAMED_ONLY: readonly ProbeName[] = ["scale-consul"];

/**
 * Several rounds: what happens now and then, as a collection of the heap, is to fall into calm
 * windows as well as into others.
 */
const LONG_ATTACKS = { rounds: 4, warmUpMs: 15_000, calmMs: 1_000, attackMs: 2_000 };

interface Run {
  readonly transport: GrpcTransport;
  readonly measure: () => Promise<ProbeResult>;
}

/** Runs one of them through those of the systems that are routers. A failure is a result, too. */
export async function runProbe(
  name: ProbeName,
  systems: readonly System[],
  options: PartOptions,
  into: Results,
): Promise<void> {
  const { short } = options;
  const part = PARTS.find((each) => each.name === name);
  if (part !== undefined) {
    if (systems.includes(SIGNALBOX)) await attempt(name, SIGNALBOX.name, () => measurePart(part.name, options), into);
    return;
  }
  const transports = GRPC_TRANSPORTS.filter((transport) => systems.includes(ROUTERS[transport]));
  for (const { transport, measure } of runsOf(name, transports, short)) {
    await attempt(name, ROUTERS[transport].name, measure, into);
  }
}

async function attempt(
  name: ProbeName,
  system: string,
  measure: () => Promise<ProbeResult>,
  into: Results,
): Promise<void> {
  process.stderr.write(`${system}: ${name}\n`);
  try {
    into.probes.push(await measure());
  } catch (error) {
    into.failures.push({ case: name, system, reason: reasonOf(error) });
  }
}

function runsOf(name: ProbeName, transports: readonly GrpcTransport[], short: boolean): Run[] {
  switch (name) {
    case "connections":
      return connectionRuns(transports, short);
    case "fairness": {
      const times = short ? { calmMs: 800, windowMs: 1_500 } : { calmMs: 2_500, windowMs: 4_000 };
      return transports.map((transport) => ({ transport, measure: () => measureFairness({ transport, ...times }) }));
    }
    case "attacks": {
      // Our own when it is among them: node:http2 has defences of its own, which are not ours to
      // show.
      const transport = transports.find((each) => each === "own") ?? transports[0];
      const times = short ? { rounds: 1, warmUpMs: 1_000, calmMs: 800, attackMs: 1_000 } : LONG_ATTACKS;
      const attacks = chosenAttacks(short);
      return transport === undefined
        ? []
        : [{ transport, measure: () => measureAttacks({ transport, attacks, ...times }) }];
    }
    default:
      throw new Error("a probe that the benchmark does not know");
  }
}

/**
 * Plain on each transport. With TLS on one, and fewer of them: two handshakes of a millisecond each
 * take their time.
 */
function connectionRuns(transports: readonly GrpcTransport[], short: boolean): Run[] {
  const many = { connections: short ? 1_000 : 10_000, openPerSecond: 2_000, holdMs: short ? 2_000 : 11_000 };
  const secure = { connections: 5_000, openPerSecond: 1_000, holdMs: 11_000 };
  const run = (transport: GrpcTransport, tls: boolean): Run => ({
    transport,
    measure: () => measureConnections({ transport, tls, everyMs: 10_000, ...(tls ? secure : many) }),
  });
  const plain = transports.map((transport) => run(transport, false));
  const [first] = transports;
  return short || first === undefined ? plain : [...plain, run(first, true)];
}
