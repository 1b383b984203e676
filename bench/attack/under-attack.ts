import type { GrpcTransport } from "../../src/core/grpc-transport.ts";
import { BASE, items } from "../case.ts";
import type { Case } from "../case.ts";
import { openLoad, openSink, openTalker } from "../child.ts";
import type { LoadProcess, Talker } from "../child.ts";
import { openFolder } from "../folder.ts";
import { loadArguments, marked } from "../measure.ts";
import type { LoadCounts } from "../messages.ts";
import { pause } from "../pause.ts";
import { giveWay, pin, twoCores } from "../pin.ts";
import { usageOfTree } from "../process-usage.ts";
import { ROUTERS } from "../system.ts";
import { ATTACKS } from "./attacks.ts";
import type { Attack } from "./attacks.ts";
import { faultCounts } from "./fault-counts.ts";
import type { AttackerArguments, AttackerReport, AttackerRequest, AttackOutcome } from "./messages.ts";

/** What a well-behaved client saw while others attacked the same router, one attack after the other. */
export interface AttacksResult {
  readonly kind: "attacks";
  readonly system: string;
  readonly pinned: boolean;
  readonly clientPerSecond: number;
  readonly bounds: Pick<AttackerArguments, "framesPerSecond" | "bytesPerSecond" | "reconnectsPerSecond">;
  /** The client's p99 without an attack: the median of the windows before each attack, and their range. */
  readonly calmP99Ms: number;
  readonly calmRangeMs: readonly [least: number, most: number];
  readonly attacks: readonly UnderAttack[];
}

export interface UnderAttack {
  readonly name: string;
  readonly title: string;
  readonly harmless: boolean;
  readonly seconds: number;
  readonly outcome: AttackOutcome;
  /** Connections that the router ended, by reason, from its metric. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of the client, just before and during the attack. */
  readonly before: LoadCounts;
  readonly during: LoadCounts;
  /** Of the router, during the attack. */
  readonly cpuPercent: number;
  readonly rssMiB: number;
}

export interface AttacksPlan {
  readonly transport: GrpcTransport;
  readonly attacks: readonly Attack[];
  readonly calmMs: number;
  readonly attackMs: number;
}

const CLIENT_PER_SECOND = 4_000;
const BOUNDS = { framesPerSecond: 20_000, bytesPerSecond: 32_000_000, reconnectsPerSecond: 20 };
const WARM_UP_MS = 2_000;
/** After an attack, until what it left is gone. */
const SETTLE_MS = 400;
const CASE: Case = { ...BASE, ...items(10), name: "attacks", title: "", rules: "none", connections: 2, streams: 128 };

/** Those of `--short`, or all. */
export function chosenAttacks(short: boolean): readonly Attack[] {
  return short ? ATTACKS.filter((attack) => attack.short === true) : ATTACKS;
}

export async function measureAttacks({ transport, attacks, calmMs, attackMs }: AttacksPlan): Promise<AttacksResult> {
  const system = ROUTERS[transport];
  const cores = twoCores();
  using folder = openFolder();
  await using sink = await openSink({ protocol: "grpc", ports: 2, tls: undefined });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const started = await system.start(CASE, [a, b], folder.path);
  const { port, adminPort = 0 } = started;
  await using router = started.child;
  await using client = await openLoad(loadArguments(CASE, port, CLIENT_PER_SECOND, "sent"));
  await using attacker = await openTalker<AttackerRequest, AttackerReport>("attack/attacker.ts", { port, ...BOUNDS });
  pin(router.pid, cores?.server);
  for (const { pid } of [sink, client, attacker]) pin(pid, cores?.others);
  giveWay(attacker.pid);
  await client.ask({ kind: "start" });
  await pause(WARM_UP_MS);
  const seen: UnderAttack[] = [];
  const parts = { client, attacker, routerPid: router.pid, adminPort, calmMs, attackMs };
  for (const attack of attacks) seen.push(await attackOnce(attack, parts));
  const calm = seen.map(({ before }) => before.latency.p99Ms).toSorted((left, right) => left - right);
  return {
    kind: "attacks",
    system: system.name,
    pinned: cores !== undefined,
    clientPerSecond: CLIENT_PER_SECOND,
    bounds: BOUNDS,
    calmP99Ms: calm[Math.floor(calm.length / 2)] ?? 0,
    calmRangeMs: [calm[0] ?? 0, calm.at(-1) ?? 0],
    attacks: seen,
  };
}

interface Parts {
  readonly client: LoadProcess;
  readonly attacker: Talker<AttackerRequest, AttackerReport>;
  readonly routerPid: number;
  readonly adminPort: number;
  readonly calmMs: number;
  readonly attackMs: number;
}

async function attackOnce(attack: Attack, parts: Parts): Promise<UnderAttack> {
  const { client, attacker, routerPid, adminPort, calmMs, attackMs } = parts;
  await pause(SETTLE_MS);
  const faultsBefore = await faultCounts(adminPort);
  await marked(client);
  await pause(calmMs);
  const before = await marked(client);
  const usageBefore = usageOfTree(routerPid);
  await attacker.ask({ kind: "start", attack: attack.name });
  await pause(attackMs);
  const during = await marked(client);
  const usage = usageOfTree(routerPid);
  const outcome = await attacker.ask({ kind: "stop" });
  if (outcome.kind !== "outcome") throw new Error("the attacker did not say what it got");
  const faults = await faultCounts(adminPort);
  const seconds = during.durationMs / 1_000;
  return {
    name: attack.name,
    title: attack.title,
    harmless: attack.harmless === true,
    seconds,
    outcome,
    faults: increase(faultsBefore, faults),
    before,
    during,
    cpuPercent: (100 * (usage.cpuSeconds - usageBefore.cpuSeconds)) / seconds,
    rssMiB: usage.rssBytes / 1_048_576,
  };
}

function increase(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const grown = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
