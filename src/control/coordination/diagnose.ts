import { RouterError } from "../../core/errors.ts";
import { MANY_REVISIONS } from "../../store/etcd/check.ts";
import type { Member } from "../../store/recipes/member.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { isLoopback } from "../fleet/listener-address.ts";
import { checkClock } from "./check-clock.ts";
import { checkProposal } from "./check-proposal.ts";
import { checkLease } from "./check-lease.ts";
import { checkPrefixKeys } from "./check-keys.ts";
import { checkVersions } from "./check-versions.ts";
import { checkViews } from "./check-views.ts";
import { checkRights } from "./check-rights.ts";
import { type DoctorCheck, type DoctorFinding, failed, type Patient } from "./doctor-finding.ts";
import { olderConfig } from "../truth/older-config.ts";
import { identityFindings, isolatedFinding } from "./fleet-findings.ts";
import type { TimeDifference } from "../../store/server-time.ts";
import type { StoreWarningCode } from "../../store/store.ts";
import { readFleet } from "../../store/recipes/identity.ts";

export interface DoctorReport {
  readonly store: string;
  readonly prefix: string;
  /** False: the store does not answer, and nothing else was looked at. */
  readonly reachable: boolean;
  readonly findings: readonly DoctorFinding[];
}

/** Members of each kind that something is said of. */
const MOST_TOLD = 10;
/** A linearizable read that takes longer makes leases and changes of leaders slow. */
const SLOW_MS = 500;

/** Looks at a store as its fleet will use it. Writes one key below the prefix, and deletes it. */
export async function diagnose(patient: Patient, signal: AbortSignal): Promise<DoctorReport> {
  const { store, prefix } = patient;
  const head = { store: store.facts.kind, prefix };
  let reached: Reached;
  try {
    reached = await checkReach(patient, signal);
  } catch (cause) {
    const isRefused = cause instanceof RouterError && cause.code === "STORE_REFUSED";
    return { ...head, reachable: isRefused, findings: [failed("reach", cause)] };
  }
  const steps: readonly [DoctorCheck, () => Promise<DoctorFinding[]>][] = [
    ["rights", () => checkRights(patient, reached.isOpenToAll, signal)],
    ["prefix", () => checkPrefixKeys(patient, signal)],
    ["identity", () => checkIdentity(patient, signal)],
    ["members", () => checkMembers(patient, signal)],
    ["config", () => checkProposal(patient, signal)],
    ["views", () => checkViews(patient, signal)],
    ["versions", () => checkVersions(patient, signal)],
    ["lease", () => checkLease(patient, signal)],
    ["clock", () => checkClock(patient, reached.clock, signal)],
  ];
  const { findings } = reached;
  for (const [check, run] of steps) {
    findings.push(...(await run().catch((cause: unknown) => [failed(check, cause)])));
  }
  return { ...head, reachable: true, findings };
}

interface Reached {
  readonly findings: DoctorFinding[];
  readonly clock: TimeDifference | undefined;
  /** Nobody is asked who they are. */
  readonly isOpenToAll: boolean;
}

async function checkReach({ store }: Patient, signal: AbortSignal): Promise<Reached> {
  const { latencyMs, version, revision, clock, warnings } = await store.check({ signal });
  const took = `a read of the newest took ${latencyMs.toFixed(latencyMs < 10 ? 1 : 0)} ms`;
  const isSlow = latencyMs > SLOW_MS;
  const latency: DoctorFinding = isSlow
    ? {
        check: "latency",
        status: "warning",
        message: `${took}, above ${SLOW_MS} ms: leaders change and configs spread as slowly`,
        hint: "look at the disk of the store's servers (fsync), at their load, and at the way there",
      }
    : { check: "latency", status: "ok", message: took };
  const told = warnings.map(
    ({ code, message, hint }): DoctorFinding => ({ check: ABOUT[code], status: "warning", message, hint }),
  );
  const { kind } = store.facts;
  const quiet: DoctorFinding[] = [];
  if (!told.some(({ check }) => check === "store")) {
    quiet.push({ check: "store", status: "ok", message: "it says nothing bad of itself" });
  }
  if (!told.some(({ check }) => check === "compaction")) {
    const message = kind === "etcd" ? etcdHistory(revision) : `${kind} needs none`;
    quiet.push({ check: "compaction", status: "ok", message });
  }
  const reach: DoctorFinding = { check: "reach", status: "ok", message: `${kind} ${version}, revision ${revision}` };
  const isOpenToAll = warnings.some(({ code }) => code === "auth_off");
  return { findings: [reach, latency, ...told, ...quiet], clock, isOpenToAll };
}

/** What a warning of the store is about. */
const ABOUT: Readonly<Record<StoreWarningCode, DoctorCheck>> = {
  endpoint_down: "store",
  no_leader: "store",
  no_room: "store",
  little_room: "store",
  corrupt: "store",
  other_cluster: "store",
  old_version: "store",
  network_file_system: "store",
  never_compacted: "compaction",
  auth_off: "rights",
  auth_open: "rights",
  no_credentials: "rights",
};

function etcdHistory(revision: bigint): string {
  if (revision >= MANY_REVISIONS) return "its history seems to be compacted";
  return `${revision} revisions: too few to tell whether its history is ever compacted`;
}

async function checkIdentity(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const memory = await patient.remembered();
  const found = await readFleet(patient, { signal });
  const finding = identityFindings(memory?.identity, found);
  const older = finding.status === "ok" ? await olderConfig(patient, memory, found, { signal }) : undefined;
  return [older === undefined ? finding : isolatedFinding(older)];
}

/**
 * Those at loopback addresses, where some may be on other machines: members are not, or the store
 * is not.
 */
function unreachable(members: readonly Member[], isLocal: boolean): DoctorFinding[] {
  const local = members.filter(({ address }) => isLoopback(address));
  if (isLocal && local.length === members.length) return [];
  return local.slice(0, MOST_TOLD).map(({ id, address }) => {
    const message = `${id} says that it is reached at ${address}, where only its own machine reaches it`;
    const hint = `where nodes are on other machines, set node.fleet.listen.address of ${id}, or node.fleet.advertise`;
    return { check: "members", status: "warning", message, hint };
  });
}

async function checkMembers(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const { members, malformed } = await createRegistry(patient).list({ signal });
  const findings: DoctorFinding[] = [{ check: "members", status: "ok", message: `${members.length} are registered` }];
  findings.push(...unreachable(members, patient.isLocal));
  for (const { id, health } of members) {
    if (health.state !== "unhealthy") continue;
    const message = `${id} says that it is unhealthy: ${health.reason}`;
    findings.push({ check: "members", status: "warning", message, hint: `look at ${id}: it is passed over` });
  }
  for (const { key, reason } of malformed.slice(0, MOST_TOLD)) {
    const hint = "delete the key, if nothing of yours has written it";
    findings.push({ check: "members", status: "warning", message: `${key} is no member: ${reason}`, hint });
  }
  return findings;
}
