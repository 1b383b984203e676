import type { Member } from "../../store/recipes/member.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import { MEMBER_SCHEMA_MAX } from "../fleet/member-metadata.ts";
import type { RegionSummary } from "../region/region-summary.ts";
import { readSummaries } from "./check-views.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";

/** Names in one sentence. */
const NAMED = 5;

/** Whether all run the same program, and the config that is the fleet's now. */
export async function checkVersions(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const summaries = await readSummaries(patient, signal);
  const { members } = await createRegistry(patient).list({ signal });
  const read = await createSharedConfig(patient).current({ signal });
  const current = read.kind === "version" ? read.version.version : undefined;
  return versionFindings({ summaries, members, current });
}

interface VersionsSeen {
  readonly summaries: readonly RegionSummary[];
  readonly members: readonly Pick<Member, "id" | "version" | "metadata">[];
  /** Of the config; undefined: the store has none. */
  readonly current: number | undefined;
}

export function versionFindings({ summaries, members, current }: VersionsSeen): DoctorFinding[] {
  const found = [...programs(summaries, members), ...refusals(summaries)];
  if (current !== undefined) found.push(...configs(summaries, current));
  if (found.length > 0) return found;
  const of = current === undefined ? "" : `, and version ${current} of the config`;
  return [{ check: "versions", status: "ok", message: `all that are known run one version of Signalbox${of}` }];
}

/** Programs that use the library as members have versions of their own. */
function programs(summaries: readonly RegionSummary[], members: VersionsSeen["members"]): DoctorFinding[] {
  const controllers = members.filter(({ metadata }) => metadata[MEMBER_SCHEMA_MAX] !== undefined);
  const byVersion = Map.groupBy(controllers, ({ version }) => version);
  const collectors = sumsOf(summaries, "versions");
  const versions = [...new Set([...byVersion.keys(), ...collectors.keys()])].toSorted();
  if (versions.length < 2) return [];
  const each = versions.map((version) => {
    const ids = (byVersion.get(version) ?? []).map(({ id }) => id).toSorted();
    const named = ids.length === 0 ? [] : [`controllers ${shortened(ids)}`];
    const amount = collectors.get(version) ?? 0;
    return `${version} (${[...named, ...(amount === 0 ? [] : [`collectors: ${amount}`])].join("; ")})`;
  });
  return [
    warning(`nodes run different versions of Signalbox: ${each.join(", ")}`, {
      hint: "bring all to the newest: one version apart they understand each other, signalbox topology says which are behind",
    }),
  ];
}

function configs(summaries: readonly RegionSummary[], current: number): DoctorFinding[] {
  const others = [...sumsOf(summaries, "config_versions")].filter(([version]) => version !== String(current));
  if (others.length === 0) return [];
  const each = others.map(([version, amount]) => `${version} (collectors: ${amount})`).join(", ");
  const regions = summaries
    .filter(({ numbers }) => Object.keys(numbers.config_versions).some((version) => version !== String(current)))
    .map(({ region }) => region);
  return [
    warning(`the config is version ${current}, and others run, too: ${each}; regions: ${shortened(regions)}`, {
      hint: "right within a minute of a change, and while a staged one is tried; else signalbox topology says which, and their logs why",
    }),
  ];
}

function refusals(summaries: readonly RegionSummary[]): DoctorFinding[] {
  const refused = sumsOf(summaries, "config_results").get("refused") ?? 0;
  if (refused === 0) return [];
  const hint = "their logs say why; signalbox config apply with what they can run, or signalbox config rollback";
  return [warning(`the newest config was refused, and is not run; collectors: ${refused}`, { hint })];
}

function sumsOf(
  summaries: readonly RegionSummary[],
  of: "versions" | "config_versions" | "config_results",
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { numbers } of summaries) {
    for (const [name, amount] of Object.entries(numbers[of])) {
      if (amount > 0) sums.set(name, (sums.get(name) ?? 0) + amount);
    }
  }
  return sums;
}

function shortened(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return `${names.slice(0, NAMED).join(", ")}${more}`;
}

function warning(message: string, { hint }: { readonly hint: string }): DoctorFinding {
  return { check: "versions", status: "warning", message, hint };
}
