import { LISTENER_KINDS } from "../../core/listener-kinds.ts";
import { isoTime } from "../../core/iso-time.ts";
import { listenerAddress } from "../fleet/listener-address.ts";
import type { CollectorDegradation, CollectorLimits, CollectorView } from "../fleet/messages.ts";
import { type LoadReport, roundedLoad } from "../load/load-report.ts";
import { regionHealth, type RegionHealth } from "./region-health.ts";
import type { MemberSighting, SplitView } from "./split-views.ts";
import type { CollectorPage, MemberDetails, RegionSeen } from "./topology-source.ts";
import { topologyTotals, type TopologyTotals } from "./totals.ts";

/** `GET /api/v1/topology` */
export interface TopologyView {
  readonly regions: readonly RegionTopology[];
  /** From what each region says of itself. */
  readonly totals: TopologyTotals;
  /** Something of it is of the past. */
  readonly stale: boolean;
  /** Controllers that do not see the same members; none: all agree. */
  readonly split: readonly SplitView[];
}

export interface RegionTopology {
  readonly id: string;
  readonly health: RegionHealth;
  readonly reason: string;
  readonly controller: string | null;
  readonly adopted: boolean;
  /** A page of them, and how many there are. */
  readonly collectors: readonly CollectorTopology[];
  readonly collectors_total: number;
  /** Given as `after`, the next page. */
  readonly next: string | null;
  readonly totals: TopologyTotals;
  /** Nobody tells anything new of it, its controller does not answer, or has just come to lead. */
  readonly stale: boolean;
}

export interface CollectorTopology {
  readonly id: string;
  readonly address: string;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly version: string;
  readonly config_version: number;
  readonly health: CollectorView["health"]["state"];
  readonly reason: string;
  readonly capacity: { readonly items_per_second: number | null };
  readonly load: LoadReport;
  /** What it lets in of everything that is limited; null: nothing is, or it does not say. */
  readonly limits: CollectorLimits | null;
  /** What it gives up; null: it does not say. */
  readonly degradation: CollectorDegraded | null;
  readonly last_seen: string;
}

interface CollectorDegraded {
  readonly level: number;
  readonly reason: string;
  readonly since: string;
  /** It obeys a fleet that is degraded. */
  readonly fleet: boolean;
}

/** `GET /api/v1/topology/collectors/{id}`: all that its controller knows of it. */
export interface MemberTopology extends CollectorTopology {
  readonly state: CollectorView["state"];
  readonly addresses: CollectorView["addresses"];
  readonly tags: CollectorView["tags"];
  /** One start of the node. */
  readonly incarnation: string;
  /** What it runs, and what became of the newest that it was given. */
  readonly config: CollectorView["config"];
  /** The highest `schema` of documents that it reads. */
  readonly schema_max: number;
  /** Directives that it obeys, by scope. */
  readonly directives: MemberDetails["received"];
  readonly reports: number;
  readonly first_seen: string;
}

export interface RegionFound {
  readonly seen: RegionSeen;
  readonly page: CollectorPage;
  /** The page is an earlier one: its controller did not answer. */
  readonly isOld: boolean;
}

export function topologyView(found: readonly RegionFound[], split: readonly SplitView[], nowMs: number): TopologyView {
  const regions = found.map((one) => regionView(one, nowMs));
  return {
    regions,
    totals: roundedTotals(topologyTotals(found.map(({ seen }) => seen.numbers))),
    stale: regions.some(({ stale }) => stale),
    split,
  };
}

function regionView({ seen, page, isOld }: RegionFound, nowMs: number): RegionTopology {
  const { isStale, isInherited = false } = seen;
  const { health, reason } = regionHealth({ ...seen, isSilent: isOld });
  const reasons = [reason, isInherited ? "its controller is new: sums are those of the one before" : ""];
  return {
    id: seen.id,
    health,
    reason: reasons.filter((one) => one !== "").join("; "),
    controller: seen.controller === "" ? null : seen.controller,
    adopted: seen.adopted,
    collectors: page.collectors.map((one) => collectorView(one, nowMs)),
    collectors_total: seen.collectors,
    next: page.next ?? null,
    totals: roundedTotals(topologyTotals([seen.numbers])),
    stale: isStale || isInherited || isOld,
  };
}

/** `nowMs`: Clock.wallMs() */
export function collectorView(collector: CollectorView, nowMs: number): CollectorTopology {
  const { id, region, tags, version, addresses, capacity, load, config, health, state, age_ms: ageMs } = collector;
  const { limited, degraded } = collector;
  const isSilent = state !== "live";
  return {
    id,
    address: addressIn(addresses),
    region,
    tags,
    version,
    config_version: config.version,
    health: isSilent ? "unknown" : health.state,
    reason: isSilent ? `no report for ${Math.round(ageMs / 1_000)} s` : health.reason,
    capacity: { items_per_second: capacity.items_per_second > 0 ? Math.round(capacity.items_per_second) : null },
    load: roundedLoad(load),
    limits: limited === undefined ? null : roundedLimits(limited),
    degradation: degraded === undefined ? null : degradedView(degraded),
    last_seen: isoTime(nowMs - ageMs),
  };
}

function roundedLimits({ limit, wanted, granted, offered, used, shed }: CollectorLimits): CollectorLimits {
  return { limit, wanted: tidy(wanted), granted: tidy(granted), offered: tidy(offered), used: tidy(used), shed };
}

function tidy(value: number): number {
  return Number(value.toFixed(2));
}

function degradedView({ level, reason, since_ms: sinceMs, fleet }: CollectorDegradation): CollectorDegraded {
  return { level, reason, since: isoTime(sinceMs), fleet };
}

/** `nowMs`: Clock.wallMs() */
export function memberView(member: MemberDetails, nowMs: number): MemberTopology {
  const { state, addresses, tags, incarnation, config, schema_max, received, reports, first_seen_ms } = member;
  return {
    ...collectorView(member, nowMs),
    state,
    addresses,
    tags,
    incarnation,
    config,
    schema_max,
    reports,
    directives: received,
    first_seen: isoTime(first_seen_ms),
  };
}

/** As its controller has seen it. */
export function sightingOf({ id, region, addresses, age_ms: ageMs }: CollectorView): MemberSighting {
  return { id, region, address: addressIn(addresses), ageMs };
}

/** Where it takes data. */
function addressIn(addresses: CollectorView["addresses"]): string {
  const named = LISTENER_KINDS.map((kind) => listenerAddress(addresses, kind));
  return named.find((one) => one !== undefined) ?? "";
}

function roundedTotals({ items, bytes, latency_ms, error_rate, sampling_rate }: TopologyTotals): TopologyTotals {
  return {
    items: Number(items.toFixed(1)),
    bytes: Math.round(bytes),
    latency_ms: Number(latency_ms.toFixed(2)),
    error_rate: Number(error_rate.toFixed(6)),
    sampling_rate: Number(sampling_rate.toFixed(6)),
  };
}
