import { status } from "@grpc/grpc-js";
import { RouterError } from "../../core/errors.ts";

/** Why a call of an endpoint came to nothing. */
export interface EtcdFault {
  /** Of gRPC. */
  readonly code: status;
  readonly details: string;
  readonly endpoint: string;
  /** False: for certain nothing of it reached the server. */
  readonly wasSent: boolean;
}

export type EtcdAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: EtcdFault };

/** Another endpoint, or the same one later, may do what was asked for. */
export function isUnreachable({ code, details }: EtcdFault): boolean {
  if (isNoEtcd({ code, details })) return true;
  switch (code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.INTERNAL:
    case status.ABORTED:
      return true;
    case status.RESOURCE_EXHAUSTED:
      return details.includes("too many requests");
    default:
      return false;
  }
}

/** Another program listens there, by what it says; each server of gRPC has words of its own. */
function isNoEtcd({ code, details }: Pick<EtcdFault, "code" | "details">): boolean {
  return code === status.UNIMPLEMENTED || /Protocol error|HTTP status/u.test(details);
}

/** Nothing was said about it. */
export function isSilent({ code }: EtcdFault): boolean {
  return code === status.DEADLINE_EXCEEDED;
}

/** A write may have been carried out all the same. */
export function isUncertain(fault: EtcdFault): boolean {
  if (!fault.wasSent || !isUnreachable(fault) || fault.code === status.UNIMPLEMENTED) return false;
  // Both are said before anything is proposed.
  return !/etcdserver: no leader|too many requests/u.test(fault.details);
}

/**
 * The member that first finds the quota exceeded says so of a write that it carries out; later ones
 * are not carried out.
 */
export function isNoSpace({ code, details }: EtcdFault): boolean {
  return code === status.RESOURCE_EXHAUSTED && details.includes("database space exceeded");
}

/**
 * A new token mends it: the old one is unknown (its time is over, or the member was restarted), or
 * is of before the last change of users and roles, or authentication was switched on since.
 */
export function wantsNewToken({ code, details }: EtcdFault): boolean {
  if (code === status.UNAUTHENTICATED) return true;
  return code === status.INVALID_ARGUMENT && /revision of auth store is old|user name is empty/u.test(details);
}

/** What was asked for is no longer in the history. */
export function isCompacted({ code, details }: EtcdFault): boolean {
  return code === status.OUT_OF_RANGE && details.includes("compacted");
}

/**
 * A listing that goes on at a revision that is gone, or that never was in a store that was wiped.
 */
export function isOutOfHistory({ code }: EtcdFault): boolean {
  return code === status.OUT_OF_RANGE;
}

export function isLeaseGone({ code, details }: EtcdFault): boolean {
  return code === status.NOT_FOUND && details.includes("lease not found");
}

/** The last fault of each endpoint that was tried, as the port's error. */
export function storeError(faults: readonly EtcdFault[]): RouterError {
  const last = faults.at(-1);
  if (last === undefined) return new RouterError("STORE_UNREACHABLE", "etcd: there was no time left to ask it");
  if (isLeaseGone(last)) return new RouterError("SESSION_LOST", `${at(last)}: the session has ended`);
  if (!isUnreachable(last)) return new RouterError("STORE_REFUSED", `${at(last)}: ${wordsOf(last)}`, hintOf(last));
  const each = new Map(faults.map((fault) => [fault.endpoint, fault]));
  const told = [...each.values()].map((fault) => `${at(fault)}: ${wordsOf(fault)}`).join("; ");
  return new RouterError("STORE_UNREACHABLE", told, hintOf(last));
}

function at({ endpoint }: EtcdFault): string {
  return `etcd ${endpoint}`;
}

/** grpc-js wraps the reason of a connection that could not be made into words of its own. */
export function wordsOf({ code, details }: EtcdFault): string {
  const connecting = /Last error: (?<why>.*?)(?:\. Resolution note: .*)?$/su.exec(details)?.groups?.["why"];
  const words = (connecting ?? details)
    .replace(/\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/u, "")
    .replace(/^(?:Error(?: \[\w+\])?: |etcdserver: )+/u, "")
    .replace(/^.*SSL routines:[^:]*:(?<why>[^:]+):.*$/su, "TLS: $<why>")
    .trim();
  if (words === "Failed to connect") return "it closes the connection";
  return words === "" ? `code ${code}` : words;
}

const CERTIFICATE = /self-signed certificate|unable to (?:verify|get).* certificate|certificate has expired/u;

const NOT_ETCD = "is it etcd that listens there? coordination.endpoints names its client URLs";

const NO_TLS = "does etcd speak TLS there? if not, write http:// in coordination.endpoints";
/** What is seen of who speaks the other way: it hangs up, before or after it has said something. */
const CLOSED = /ECONNRESET|socket hang up|Failed to connect/u;

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/u, "is etcd running there? coordination.endpoints names its client URLs"],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/u, "the name is not known: coordination.endpoints"],
  [CERTIFICATE, "coordination.tls.ca has to name who signed etcd's certificate"],
  [
    /altnames/u,
    "etcd's certificate is for other names: write one of them into coordination.endpoints, or into coordination.tls.server_name",
  ],
  [/wrong version number|packet length too long|before secure TLS connection/u, NO_TLS],
  [
    /certificate required|bad certificate|unknown ca/iu,
    "etcd wants a client certificate that it trusts: coordination.tls.cert and key",
  ],
  [CLOSED, "does etcd speak TLS there? if so, write https:// in coordination.endpoints"],
  [/no leader|request timed out/u, "etcd has lost its quorum: look at `etcdctl endpoint status --cluster`"],
  [
    /permission denied/u,
    "grant the user's role read and write on the prefix: `etcdctl role grant-permission ROLE --prefix=true readwrite PREFIX`",
  ],
  [/invalid user ID or password/u, "the user or the password is wrong: `etcdctl user passwd USER` sets it"],
  [/user name is empty|invalid auth token/u, "etcd wants a user: coordination.username and coordination.password"],
  [
    /database space exceeded/u,
    "compact, defragment and disarm: `etcdctl compact REVISION`, `etcdctl defrag`, `etcdctl alarm disarm`",
  ],
  [/request is too large|larger than max/u, "values and transactions have to stay under etcd's --max-request-bytes"],
  [/too many operations/u, "raise etcd's --max-txn-ops to its default of 128"],
];

function hintOf({ code, details, endpoint }: EtcdFault): { readonly hint?: string } {
  if (isNoEtcd({ code, details })) return { hint: NOT_ETCD };
  if (endpoint.startsWith("https:") && CLOSED.test(details)) return { hint: NO_TLS };
  const hint = HINTS.find(([words]) => words.test(details))?.[1];
  return hint === undefined ? {} : { hint };
}
