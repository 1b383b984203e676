import type { GrpcTransport } from "../../src/core/grpc-transport.ts";
import { BASE } from "../case.ts";
import { items } from "../cases.ts";
import type { Case } from "../case.ts";
import { openLoad, openSink, openTalker } from "../child.ts";
import type { LoadProcess, Talker } from "../child.ts";
import { openFolder } from "../folder.ts";
import { loadArguments, marked } from "../load-run.ts";
import type { LoadCounts } from "../messages.ts";
import { pause } from "../pause.ts";
import { lowerPriority, pin, pinMain, twoCores } from "../pin.ts";
import { usageOfTree } from "../process-usage.ts";
import { ROUTERS } from "../system.ts";
import { ATTACKS } from "./attacks.ts";
import type { Attack } from "./attacks.ts";
import { faultCounts } from "./fault-counts.ts";
import type { AttackerArguments, AttackerReport, AttackerRequest, AttackOutcome } from "./messages.ts";
import { pooled, sum, sumByName } from "./pooled.ts";
import type { Pooled } from "./pooled.ts";

/**
 * What a well-behaved client saw while others attacked the same router, one attack after the other,
 * in several rounds.
 */
export interface AttacksResult {
  readonly kind: "attacks";
  readonly system: string;
  readonly pinned: boolean;
  /** After the first one, in which the code that an attack runs through is not compiled yet. */
  readonly rounds: number;
  readonly clientPerSecond: number;
  readonly bounds: Pick<AttackerArguments, "framesPerSecond" | "bytesPerSecond" | "reconnectsPerSecond">;
  /** The client without an attack: all windows before attacks. */
  readonly calm: Pooled;
  /** Its p99 in each round, to see how much of it is noise. */
  readonly calmP99Ms: readonly number[];
  readonly attacks: readonly UnderAttack[];
}

/** One attack: the windows of all rounds but the first. */
export interface UnderAttack {
  readonly name: string;
  readonly title: string;
  readonly harmless: boolean;
  readonly outcome: AttackOutcome;
  /** Connections that the router ended, by reason, from its metric. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of the client. */
  readonly during: Pooled;
  /** In the first round. */
  readonly firstP99Ms: number;
  /** Of the router: on average, and at most. */
  readonly cpuPercent: number;
  readonly rssMiB: number;
}

export interface AttacksPlan {
  readonly transport: GrpcTransport;
  readonly attacks: readonly Attack[];
  readonly rounds: number;
  /** Until the router's code is compiled. */
  readonly warmUpMs: number;
  readonly calmMs: number;
  readonly attackMs: number;
}

const CLIENT_PER_SECOND = 4_000;
const BOUNDS = { framesPerSecond: 20_000, bytesPerSecond: 32_000_000, reconnectsPerSecond: 20 };
/** After an attack, until what it left is gone. */
const SETTLE_MS = 400;
const CASE: Case = { ...BASE, ...items(10), name: "attacks", title: "", rules: "none", connections: 2, streams: 128 };

/** Those of `--short`, or all. */
export function chosenAttacks(short: boolean): readonly Attack[] {
  return short ? ATTACKS.filter((attack) => attack.short === true) : ATTACKS;
}

export async function measureAttacks(plan: AttacksPlan): Promise<AttacksResult> {
  const system = ROUTERS[plan.transport];
  const cores = twoCores();
  using folder = openFolder();
  await using sink = await openSink({ protocol: "grpc", signal: "traces", ports: 2, tls: undefined });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const started = await system.start(CASE, [a, b], folder.path);
  const { port, ports } = started;
  const adminPort = ports?.admin ?? 0;
  await using router = started.child;
  await using client = await openLoad(loadArguments(CASE, port, CLIENT_PER_SECOND, "sent"));
  await using attacker = await openTalker<AttackerRequest, AttackerReport>("attack/attacker.ts", { port, ...BOUNDS });
  pinMain(router.pid, cores?.server);
  for (const { pid } of [sink, client, attacker]) pin(pid, cores?.others);
  lowerPriority(attacker.pid);
  await client.ask({ kind: "start" });
  await pause(plan.warmUpMs);
  const rounds: Window[][] = [];
  const parts = { client, attacker, routerPid: router.pid, adminPort, plan };
  while (rounds.length <= plan.rounds) {
    const windows: Window[] = [];
    for (const attack of plan.attacks) windows.push(await attackOnce(attack, parts));
    rounds.push(windows);
  }
  const [first = [], ...later] = rounds;
  return {
    kind: "attacks",
    system: system.name,
    pinned: cores !== undefined,
    rounds: plan.rounds,
    clientPerSecond: CLIENT_PER_SECOND,
    bounds: BOUNDS,
    calm: pooled(later.flat().map(({ before }) => before)),
    calmP99Ms: later.map((windows) => pooled(windows.map(({ before }) => before)).latency.p99Ms),
    attacks: plan.attacks.map((attack) => underAttack(attack, first, later.flat())),
  };
}

interface Parts {
  readonly client: LoadProcess;
  readonly attacker: Talker<AttackerRequest, AttackerReport>;
  readonly routerPid: number;
  readonly adminPort: number;
  readonly plan: AttacksPlan;
}

/** One attack in one round. */
interface Window {
  readonly name: string;
  readonly outcome: AttackOutcome;
  readonly faults: Readonly<Record<string, number>>;
  /** Of the client, just before and during the attack. */
  readonly before: LoadCounts;
  readonly during: LoadCounts;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

async function attackOnce(attack: Attack, parts: Parts): Promise<Window> {
  const { client, attacker, routerPid, adminPort, plan } = parts;
  await pause(SETTLE_MS);
  const faultsBefore = await faultCounts(adminPort);
  await marked(client);
  await pause(plan.calmMs);
  const before = await marked(client);
  const usageBefore = usageOfTree(routerPid);
  await attacker.ask({ kind: "start", attack: attack.name });
  await pause(plan.attackMs);
  const during = await marked(client);
  const usage = usageOfTree(routerPid);
  const outcome = await attacker.ask({ kind: "stop" });
  if (outcome.kind !== "outcome") throw new Error("the attacker did not say what it got");
  const faults = await faultCounts(adminPort);
  return {
    name: attack.name,
    outcome,
    faults: increase(faultsBefore, faults),
    before,
    during,
    cpuSeconds: usage.cpuSeconds - usageBefore.cpuSeconds,
    rssMiB: usage.rssBytes / 1_048_576,
  };
}

function underAttack(
  { name, title, harmless }: Attack,
  first: readonly Window[],
  later: readonly Window[],
): UnderAttack {
  const windows = later.filter((window) => window.name === name);
  const outcomes = windows.map(({ outcome }) => outcome);
  const during = pooled(windows.map((window) => window.during));
  return {
    name,
    title,
    harmless: harmless === true,
    outcome: {
      kind: "outcome",
      frames: sum(outcomes.map(({ frames }) => frames)),
      bytes: sum(outcomes.map(({ bytes }) => bytes)),
      connections: sum(outcomes.map(({ connections }) => connections)),
      got: sumByName(outcomes.map(({ got }) => got)),
    },
    faults: sumByName(windows.map(({ faults }) => faults)),
    during,
    firstP99Ms: first.find((window) => window.name === name)?.during.latency.p99Ms ?? 0,
    cpuPercent: (100 * sum(windows.map(({ cpuSeconds }) => cpuSeconds))) / during.seconds,
    rssMiB: Math.max(...windows.map(({ rssMiB }) => rssMiB)),
  };
}

function increase(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const grown = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
