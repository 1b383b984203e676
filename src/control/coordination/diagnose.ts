import { RouterError } from "../../core/errors.ts";
import { MANY_REVISIONS } from "../../store/etcd/check.ts";
import { createElection } from "../../store/recipes/election.ts";
import type { Member } from "../../store/recipes/member.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { isLoopback } from "../fleet/listener-address.ts";
import { checkClock } from "./check-clock.ts";
import { GLOBAL_ELECTION } from "./seats.ts";
import { checkVersions } from "./check-versions.ts";
import { checkViews } from "./check-views.ts";
import { checkRights } from "./check-rights.ts";
import { type DoctorCheck, type DoctorFinding, failed, type Patient } from "./doctor-finding.ts";
import { olderConfig } from "../truth/older-config.ts";
import { identityFindings, isolatedFinding } from "./fleet-findings.ts";
import type { TimeDifference } from "../../store/server-time.ts";
import { type StoreWarningCode, SESSION_TTL_MS } from "../../store/store.ts";
import { readFleet } from "../../store/recipes/identity.ts";
import { mirrorKey, proposalWaits } from "../truth/mirror.ts";

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

const CONTROLLERS = ["collectors", "directives", "elections", "members", "regions", "transfers"];
/** What comes to regions and what it has cost, and an order for the whole fleet. */
const LOAD = ["degradation", "sampling", "sampling-spend"];
/** What Signalbox has below a prefix. */
const OWN = new Set(["fleet", "locks", "config", "doctor", "global", ...CONTROLLERS, ...LOAD]);
const LOOKED_AT = 1_000;
const NAMED = 5;

/** What stands below the prefix, and whether it is all ours. */
async function checkPrefixKeys({ store, prefix }: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const { entries, hasMore } = await store.list(`${prefix}/`, { signal, limit: LOOKED_AT });
  const names = entries.map(({ key }) => key.slice(prefix.length + 1).split("/", 1)[0] ?? "");
  const strange = [...new Set(names.filter((name) => !OWN.has(name)))];
  if (strange.length > 0) {
    const shown = strange.slice(0, NAMED).map((name) => `${prefix}/${name}`);
    return [
      {
        check: "prefix",
        status: "warning",
        message: `${shown.join(", ")}${strange.length > NAMED ? " and more" : ""} are not Signalbox's`,
        hint: "give each fleet a prefix of its own: node.coordination.prefix",
      },
    ];
  }
  const amount = hasMore ? `the first ${entries.length}` : `${entries.length}`;
  return [{ check: "prefix", status: "ok", message: `keys below ${prefix}/: ${amount}, all of them Signalbox's` }];
}

const SECOND = 1_000;

/** Opens a session, and tells how much of its time is left to work with. */
async function checkLease({ store, clock }: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const { minTtlMs, expiryFactor } = store.facts;
  const startMs = clock.nowMs();
  await using session = await store.openSession({ signal, ttlMs: Math.max(minTtlMs, SESSION_TTL_MS) });
  const tookMs = clock.nowMs() - startMs;
  const validMs = session.validForMs();
  const times = `a lease of ${seconds(session.ttlMs)} was granted in ${Math.round(tookMs)} ms, ${seconds(validMs)} of it are left`;
  const failover = `what its holder has is another's at the latest ${seconds(session.ttlMs * expiryFactor + SECOND)} after its death`;
  // A third is when it is renewed: an answer must come well before what is left is over.
  if (tookMs <= session.ttlMs / 3 && validMs >= session.ttlMs / 3) {
    return [{ check: "lease", status: "ok", message: `${times}; ${failover}` }];
  }
  return [
    {
      check: "lease",
      status: "warning",
      message: `${times}: sessions will be lost under load`,
      hint: "bring the store nearer, or make it faster: see the finding on latency",
    },
  ];
}

function seconds(ms: number): string {
  return `${(ms / SECOND).toFixed(1).replace(/\.0$/u, "")} s`;
}

/**
 * Says so when somebody has put a config into the store that nobody has taken yet: whoever leads
 * the whole fleet does.
 */
async function checkProposal(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  if (!(await proposalWaits(patient, { signal }))) {
    return [{ check: "config", status: "ok", message: "nothing that was put there by hand waits" }];
  }
  const key = mirrorKey(patient.prefix);
  const leader = await createElection(patient, GLOBAL_ELECTION).leader({ signal });
  const message = `what somebody has put at ${key} waits: it is no version of the config yet`;
  const hint =
    leader.kind === "leader"
      ? `${leader.id} leads, and takes it or refuses it in a moment: look at its log`
      : "nobody leads the fleet, who would take it: start a node with the role controller, or signalbox config apply";
  return [{ check: "config", status: "warning", message, hint }];
}
