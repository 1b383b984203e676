import { GRPC_TRANSPORTS } from "../src/core/grpc-transport.ts";
import type { GrpcTransport } from "../src/core/grpc-transport.ts";
import { chosenAttacks, measureAttacks } from "./attack/under-attack.ts";
import type { AttacksResult } from "./attack/under-attack.ts";
import { measureConnections } from "./connections/connections.ts";
import type { ConnectionsResult } from "./connections/connections.ts";
import { measureFairness } from "./fairness/fairness.ts";
import type { FairnessResult } from "./fairness/fairness.ts";
import type { Results } from "./results.ts";
import { ROUTERS } from "./system.ts";
import type { System } from "./system.ts";

export type ProbeName = "connections" | "fairness" | "attacks";
export type ProbeResult = ConnectionsResult | FairnessResult | AttacksResult;

/**
 * Cases that are no load to be carried: each has a table of its own. All of them are short ones,
 * too, with smaller numbers.
 */
export const PROBES: readonly { readonly name: ProbeName; readonly title: string }[] = [
  { name: "connections", title: "10,000 connections with little traffic" },
  { name: "fairness", title: "one connection with 1,000 open streams" },
  { name: "attacks", title: "attacks beside a well-behaved client" },
];

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
  short: boolean,
  into: Results,
): Promise<void> {
  const transports = GRPC_TRANSPORTS.filter((transport) => systems.includes(ROUTERS[transport]));
  for (const { transport, measure } of runsOf(name, transports, short)) {
    const system = ROUTERS[transport].name;
    process.stderr.write(`${system}: ${name}\n`);
    try {
      into.probes.push(await measure());
    } catch (error) {
      into.failures.push({ case: name, system, reason: error instanceof Error ? error.message : String(error) });
    }
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
