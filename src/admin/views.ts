import type { ConfigStatus } from "../control/apply.ts";
import { showConfig } from "../config/taint.ts";
import { AsWritten } from "../core/hide.ts";
import { isoTime } from "../core/iso-time.ts";
import { eachListener } from "../core/listener-kinds.ts";
import type { LedgerRow } from "../core/snapshot.ts";
import type {
  CheckStatus,
  DropSample,
  HealthStatus,
  LossStatus,
  PoolStatus,
  RefusalStatus,
  TargetStatus,
  WorkerStatus,
} from "../plan/data-plane.ts";
import { settingsFrom } from "../plan/region-settings.ts";
import { balanceOf } from "../telemetry/ledger.ts";
import { redact } from "../telemetry/redact.ts";
import type { AdminContext, FleetStanding } from "./context.ts";
import { problemList } from "./reply.ts";
import type { View } from "./route.ts";

/** `GET /api/v1/node` */
export async function nodeView(context: AdminContext): Promise<View> {
  const { facts, dataPlane, walk, env } = context;
  const { addresses, inFlight, workers } = await dataPlane.status();
  const own = context.ownAddresses();
  return {
    id: facts.id,
    region: walk.status.running.node.region,
    region_settings: settingsFrom(walk.status.running, walk.status.running.node.region),
    roles: facts.roles,
    version: facts.version,
    node_version: process.versions.node,
    pid: facts.pid,
    started: isoTime(facts.startedMs),
    uptime_ms: Math.max(0, Math.round(env.clock.wallMs() - facts.startedMs)),
    addresses: {
      ...eachListener((kind) => addresses[kind] ?? null),
      admin: own.admin ?? null,
      sampling_http: own.sampling_http ?? null,
      sampling_grpc: own.sampling_grpc ?? null,
      fleet: context.fleetLink?.()?.address ?? null,
    },
    controller: controllerView(context.fleetLink?.()),
    in_flight: { requests: inFlight.requests, bytes: inFlight.bytes },
    workers: workers.map(workerView),
    ready: (await readinessView(context)).ready,
    config: { file: facts.configFile ?? null, ...configStatusView(walk.status), fleet: fleetConfigView(context) },
  };
}

/** Null: the config is the node's own. */
function fleetConfigView({ fleetConfig }: AdminContext): View | null {
  const status = fleetConfig();
  if (status === undefined) return null;
  const { from, trouble, acknowledged } = status;
  return { from, trouble: trouble ?? null, acknowledged: acknowledged ?? null };
}

/** Null: the node is alone, and its own controller. */
function controllerView(fleet: FleetStanding | undefined): View | null {
  if (fleet === undefined) return null;
  const { state, controller, epoch, collectors, heardMsAgo, reason } = fleet.status;
  return {
    state,
    id: controller?.id ?? null,
    address: controller?.address ?? null,
    epoch: epoch ?? null,
    collectors,
    heard_ms_ago: heardMsAgo === undefined ? null : Math.round(heardMsAgo),
    reason: reason ?? null,
  };
}

/**
 * `GET /api/v1/config`: what runs, with references in the place of what came from elsewhere, and
 * secrets redacted.
 */
export function configView(status: ConfigStatus): View {
  return { version: status.version, digest: status.digest, config: new AsWritten(showConfig(status.running)) };
}

/** `GET /api/v1/ledger` */
export function ledgerView(entries: readonly LedgerRow[]): View {
  const balance = balanceOf(entries);
  return { balanced: balance.every(({ balanced }) => balanced), signals: balance, entries };
}

function workerView(worker: WorkerStatus): View {
  const { id, pid, ready, connections, itemsPerSecond, restarts } = worker;
  return { id, pid: pid ?? null, ready, connections, items_per_second: itemsPerSecond, restarts };
}

/** One of `GET /api/v1/pools` */
export function poolView(pool: PoolStatus): View {
  return {
    name: pool.name,
    strategy: pool.strategy,
    targets: pool.targets,
    fallback: pool.fallback ?? null,
    queued_bytes: pool.queuedBytes,
    queued_items: pool.queuedItems,
    in_flight: pool.inFlight,
    usable: pool.usable,
    losses: lossView(pool.losses),
  };
}

/** One of `GET /api/v1/targets` */
export function targetView(target: TargetStatus): View {
  return {
    id: target.id,
    endpoint: target.endpoint,
    region: target.region,
    weight: target.weight,
    ...conditionView(target),
    learned_max_bytes: target.learnedMaxBytes ?? null,
    share: target.share,
    score: target.score,
    note: target.note,
    until: timeOrNull(target.untilMs),
    losses: lossView(target.losses),
    addresses: target.addresses.map(({ address, member, ...one }) => {
      return { address, ...(member !== undefined && { member }), ...conditionView(one) };
    }),
  };
}

/** How a target does, or one of its addresses. */
function conditionView(one: HealthStatus): View {
  return {
    state: one.state,
    reason: one.reason,
    since: isoTime(one.sinceMs),
    next_try: timeOrNull(one.nextTryMs),
    in_flight: one.inFlight,
    window: one.window,
    latency_ms: one.latencyMs ?? null,
    paused: pauseView(one),
    refuses: one.refuses.map(refusalView),
    error_rate: one.errorRate,
    check: one.check === undefined ? null : checkView(one.check),
  };
}

function timeOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : isoTime(atMs);
}

/** What a target said, for whoever may look at it: its words may hold somebody's key. */
function words(said: string): string {
  return String(redact("said", said));
}

/** Of a pool or a target: what was acknowledged and is lost. */
function lossView(losses: LossStatus | undefined): View | null {
  if (losses === undefined) return null;
  const { items, reason, target, said, atMs } = losses;
  return { items, last: { at: isoTime(atMs), reason, target: target === "" ? null : target, said: words(said) } };
}

/** One of `GET /api/v1/drops` */
export function dropView(drop: DropSample): View {
  const { atMs, signal, rule, pool, target, reason, said, items, acknowledged, attributes } = drop;
  const who = { signal, rule, pool, target: target === "" ? null : target };
  return { at: isoTime(atMs), ...who, reason, said, items, acknowledged, attributes };
}

function pauseView({ paused }: Pick<HealthStatus, "paused">): View | null {
  return paused === undefined
    ? null
    : { until: isoTime(paused.untilMs), reason: "throttled", said: words(paused.said) };
}

function refusalView({ signal, sinceMs, nextTryMs, said }: RefusalStatus): View {
  return { signal, since: isoTime(sinceMs), next_try: isoTime(nextTryMs), said: words(said) };
}

function checkView({ atMs, result, said }: CheckStatus): View {
  return { at: isoTime(atMs), result, said: words(said) };
}

interface ReadinessView {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** `GET /readyz` */
export async function readinessView(context: AdminContext): Promise<ReadinessView> {
  if (context.stopping()) return { ready: false, reasons: ["shutting down"] };
  const { ready, reason } = await context.dataPlane.ready();
  const reasons = [...context.notReady(), ...(ready ? [] : [reason])];
  return { ready: reasons.length === 0, reasons };
}

function configStatusView({ version, digest, appliedMs, restartRequired, last }: ConfigStatus): View {
  return {
    version,
    digest,
    applied: isoTime(appliedMs),
    restart_required: restartRequired,
    last_result: last?.kind ?? "applied",
    last_problems: problemsOf(last),
  };
}

/**
 * What was wrong with the newest config that was read; empty when it is the one that runs and
 * nobody complained.
 */
function problemsOf(last: ConfigStatus["last"]): readonly unknown[] {
  if (last === undefined) return [];
  if (last.kind === "unreadable" || last.kind === "failed") return [{ severity: "error", text: last.reason }];
  const problems = last.kind === "invalid" ? last.problems : last.warnings;
  return problemList(problems);
}
