import { parseIsoTime } from "../../core/iso-time.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { decodeSummary, regionsPrefix, type RegionSummary } from "../region/region-summary.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";
import { createSeatReader, type LeadersView, type LeaderView } from "./seats.ts";

/** Within that a new leader has written its region's summary: it learns for 15 s first. */
const SETTLED_MS = 60_000;
/** It is written each 30 s at the latest. */
const OLD_MS = 90_000;

/** All summaries below the prefix; what is none, the leaders tell of themselves. */
export async function readSummaries({ store, prefix }: Patient, signal: AbortSignal): Promise<RegionSummary[]> {
  const { entries } = await store.list(regionsPrefix(prefix), { signal });
  return entries.flatMap((entry) => {
    const read = decodeSummary(entry);
    return read.ok ? read.value : [];
  });
}

/** Whether who leads each region is who tells of it, and whether others can find it. */
export async function checkViews(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const summaries = await readSummaries(patient, signal);
  const leaders = await createSeatReader(patient).leaders({ signal });
  const { members } = await createRegistry(patient).list({ signal });
  const listed = new Set(members.map(({ id }) => id));
  return viewFindings({ summaries, leaders, listed, nowMs: patient.clock.wallMs() });
}

export interface FleetSeen {
  readonly summaries: readonly RegionSummary[];
  readonly leaders: Pick<LeadersView, "global" | "regions">;
  /** Ids of the registry's members. */
  readonly listed: ReadonlySet<string>;
  readonly nowMs: number;
}

export function viewFindings(seen: FleetSeen): DoctorFinding[] {
  const { summaries, leaders, listed } = seen;
  const byRegion = new Map(summaries.map((summary) => [summary.region, summary]));
  const led = new Map(Object.entries(leaders.regions).flatMap(([region, view]) => (view ? [[region, view]] : [])));
  const regions = [...new Set([...byRegion.keys(), ...Object.keys(leaders.regions)])].toSorted();
  const found = regions.flatMap((region) => regionFinding(region, byRegion.get(region), led.get(region), seen));
  const leading = [...led].map(([region, { id }]) => ({ what: `region ${region}`, id }));
  if (leaders.global !== null) leading.push({ what: "the fleet", id: leaders.global.id });
  for (const { what, id } of leading) {
    if (listed.has(id)) continue;
    found.push(
      warning(`${id} leads ${what}, and is not listed as a member: collectors that start do not find it`, {
        hint: `look at the log of ${id}: whether another node has its id, or it may not write below members/`,
      }),
    );
  }
  if (found.length > 0) return found;
  const message =
    regions.length === 0 ? "no region has a controller" : `regions that their controllers tell of: ${regions.length}`;
  return [{ check: "views", status: "ok", message }];
}

function regionFinding(
  region: string,
  summary: RegionSummary | undefined,
  leader: LeaderView | undefined,
  { leaders, nowMs }: FleetSeen,
): DoctorFinding[] {
  const adopter = summary?.adopted === true ? leaders.global : null;
  if (leader === undefined && adopter === null) {
    const of = summary === undefined ? "nothing is known of it" : `what is known of it is of ${summary.observed_at}`;
    const hint = "start a node there with the role controller; the leader of the fleet, if there is one, adopts it";
    return [warning(`region ${region} has no controller: ${of}`, { hint })];
  }
  const teller = leader ?? adopter;
  if (teller === null || nowMs - (parseIsoTime(teller.since) ?? nowMs) < SETTLED_MS) return [];
  const hint = `look at the log of ${teller.id}, and at signalbox topology: does it reach the store, and may it write below regions/?`;
  if (summary === undefined) {
    return [warning(`${teller.id} leads region ${region}, and has told nothing of it`, { hint })];
  }
  if (summary.adopted && leader !== undefined) {
    const message = `region ${region} is led by ${leader.id}, and adopted by ${summary.controller} at the same time`;
    return [warning(`${message}: they may see different members`, { hint })];
  }
  if (summary.epoch !== teller.epoch) {
    const message = `region ${region} is led by ${teller.id} (${teller.epoch}), and told of by ${summary.controller} (${summary.epoch})`;
    return [warning(`${message}: they may see different members`, { hint })];
  }
  const ageMs = nowMs - (parseIsoTime(summary.observed_at) ?? nowMs);
  if (ageMs < OLD_MS) return [];
  const message = `${teller.id} leads region ${region}, and has told nothing of it for ${Math.round(ageMs / 1_000)} s`;
  return [warning(message, { hint: `${hint} Clocks that differ look the same: see clock` })];
}

function warning(message: string, { hint }: { readonly hint: string }): DoctorFinding {
  return { check: "views", status: "warning", message, hint };
}
