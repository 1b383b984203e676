import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { BASE } from "../case.ts";
import { items } from "../cases.ts";
import type { Case } from "../case.ts";
import type { LoadProcess, SinkProcess } from "../child.ts";
import { marked } from "../load-run.ts";
import type { LoadCounts } from "../messages.ts";
import { pause } from "../pause.ts";
import { openRig } from "../rig.ts";
import type { Check, Rig } from "../rig.ts";
import { SIGNALBOX } from "../system.ts";
import { LOST } from "../wire/ending.ts";
import { Admin } from "./admin.ts";
import type { LedgerView } from "./admin.ts";

/** What senders notice when workers are killed while targets fail and the config changes. */
export interface DeathsResult {
  readonly kind: "deaths";
  readonly system: string;
  readonly seconds: number;
  readonly deaths: readonly Death[];
  /** New configs, each in force before the next worker was killed. */
  readonly reloads: number;
  readonly loads: readonly DeathsLoad[];
  readonly check: Check;
  readonly ledger: LedgerView;
  readonly restarts: number;
}

export interface Death {
  readonly worker: number | string;
  /** That it had when it was killed. */
  readonly connections: number;
  /** Until another was there in its place. */
  readonly awayMs: number;
}

export interface DeathsLoad {
  readonly protocol: "grpc" | "http";
  readonly connections: number;
  /** That can take a call at the end. */
  readonly open: number;
  readonly unanswered: number;
  readonly counts: LoadCounts;
}

const EVERY_MS = 5_000;
const UP_MS = 10_000;
const WORKERS = 2;
/** Far below what the router carries: what fails does not fail for lack of time. */
const PER_SECOND = 400;
const GRPC: Case = {
  ...BASE,
  ...items(10),
  name: "deaths",
  title: "",
  workers: WORKERS,
  connections: 8,
  streams: 64,
};
const HTTP: Case = { ...GRPC, protocol: "http", connections: 32, streams: 1 };

export async function measureDeaths(short: boolean): Promise<DeathsResult> {
  const rounds = short ? 3 : 12;
  await using rig = await openRig(GRPC, SIGNALBOX);
  const { ports, configFile = "" } = rig.running ?? {};
  if (ports === undefined) throw new Error("only the router can be measured here");
  const admin = new Admin(ports.admin);
  await reload(configFile, admin, 0);
  const loads: LoadProcess[] = [];
  for (const [run, port] of [
    [GRPC, ports.grpc],
    [HTTP, ports.http],
  ] as const) {
    loads.push((await rig.load(run, { port, requestsPerSecond: PER_SECOND })).process);
  }
  for (const load of loads) await load.ask({ kind: "start" });
  await pause(1_000);
  for (const load of loads) await marked(load);
  const startMs = systemClock.nowMs();
  const deaths: Death[] = [];
  for (let round = 0; round < rounds; round++) deaths.push(await killOne(rig, admin, configFile, round));
  await pause(1_000); // connections that were lost are back
  const ended = await Promise.all([restOf(loads[0]!, GRPC), restOf(loads[1]!, HTTP)]);
  const seconds = (systemClock.nowMs() - startMs) / 1_000;
  const ledger = await settledLedger(admin);
  const { workers = [] } = await admin.node();
  return {
    kind: "deaths",
    system: SIGNALBOX.name,
    seconds,
    deaths,
    reloads: rounds,
    loads: ended,
    check: await rig.check(),
    ledger,
    restarts: workers.reduce((sum, { restarts }) => sum + restarts, 0),
  };
}

/** One worker is killed; then a target fails, the config changes, and the target is slow. */
async function killOne(rig: Rig, admin: Admin, configFile: string, round: number): Promise<Death> {
  const startMs = systemClock.nowMs();
  const before = await admin.until(
    ({ workers = [] }) => workers.length === WORKERS && workers.every(({ pid }) => pid > 0),
    UP_MS,
    "two workers",
  );
  // In turn the one that has most connections, and the one that has least.
  const byConnections = before.workers!.toSorted((left, right) => right.connections - left.connections);
  const victim = byConnections[round % WORKERS]!;
  process.kill(victim.pid, "SIGKILL");
  const killedMs = systemClock.nowMs();
  process.stderr.write(`  killed worker ${victim.id} with ${victim.connections} connections\n`);
  const replaced = admin
    .until(
      ({ workers = [] }) => workers.length === WORKERS && workers.every(({ pid }) => pid > 0 && pid !== victim.pid),
      UP_MS,
      "another worker in the place of the one that was killed",
    )
    .then(() => systemClock.nowMs() - killedMs);
  await fail(rig.sink, round % 2, { afterMs: 0, unavailable: true }, 500);
  const awayMs = await replaced;
  await reload(configFile, admin, round + 1);
  await fail(rig.sink, (round + 1) % 2, { afterMs: 500, unavailable: false }, 1_000);
  await pause(Math.max(0, startMs + EVERY_MS - systemClock.nowMs()));
  return { worker: victim.id, connections: victim.connections, awayMs };
}

async function fail(
  sink: SinkProcess,
  port: number,
  answers: { readonly afterMs: number; readonly unavailable: boolean },
  forMs: number,
): Promise<void> {
  await sink.ask({ kind: "answer", port, answers });
  await pause(forMs);
  await sink.ask({ kind: "answer", port, answers: { afterMs: 0, unavailable: false } });
}

/** Each pool has both targets, so that one of them may fail; services change places. */
async function reload(file: string, admin: Admin, round: number): Promise<void> {
  const { version } = (await admin.node()).config;
  const config = JSON.parse(readFileSync(file, "utf8")) as { pools: object };
  const [first, second] = round % 2 === 0 ? ["a", "b"] : ["b", "a"];
  const strategy = "failover";
  config.pools = {
    a: { targets: [first, second], strategy },
    b: { targets: [second, first], strategy },
  };
  writeFileSync(`${file}.new`, JSON.stringify(config, undefined, 2));
  renameSync(`${file}.new`, file);
  await admin.until(({ config: now }) => now.version > version, UP_MS, "the new config in force");
}

async function restOf(load: LoadProcess, { protocol, connections }: Case): Promise<DeathsLoad> {
  const counts = await marked(load);
  const rested = await load.ask({ kind: "rest" });
  if (rested.kind !== "rested") throw new Error("the load process did not rest");
  return { protocol, connections, open: rested.open, unanswered: rested.unanswered, counts };
}

/** Once nothing is under way any more; as it is, if that takes too long. */
async function settledLedger(admin: Admin): Promise<LedgerView> {
  const endMs = systemClock.nowMs() + UP_MS;
  for (;;) {
    const ledger = await admin.ledger();
    const settled = ledger.balanced && ledger.entries.every(({ queued }) => queued === 0);
    if (settled || systemClock.nowMs() > endMs) return ledger;
    await pause(200);
  }
}

/** Calls that were not taken, and did not end with a connection whose worker was killed. */
export function failedElsewhere({ counts }: DeathsLoad): number {
  const { refused, failed } = counts;
  const others = Object.entries(failed).filter(([why]) => !why.startsWith(LOST));
  return [...Object.values(refused), ...others.map(([, calls]) => calls)].reduce((sum, calls) => sum + calls, 0);
}

/** Connections that were lost although no killed worker had them. */
export function lostElsewhere({ deaths, loads }: Pick<DeathsResult, "deaths" | "loads">): number {
  const lost = loads.reduce((sum, { counts }) => sum + counts.lostConnections, 0);
  const had = deaths.reduce((sum, { connections }) => sum + connections, 0);
  return Math.max(0, lost - had);
}
