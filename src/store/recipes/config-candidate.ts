import { randomUUID } from "node:crypto";
import { RouterError } from "../../core/errors.ts";
import type { CallOptions, Compare, Entry, Revision, Write } from "../store.ts";
import { carryOutGuarded, isUnknown, movePointer, type PublishOutcome } from "./config-pointer.ts";
import {
  CANDIDATE_BOUNDS,
  type ConfigCandidate,
  decodeCandidate,
  decodeCandidateNonce,
  encodeCandidate,
} from "./config-candidate-record.ts";
import { readVersion } from "./config-read.ts";
import type { ConfigPlace, LeaderGuard } from "./shared-config.ts";

/** A candidate as it was read: what is written after it compares with this revision. */
export interface KnownCandidate {
  readonly candidate: ConfigCandidate;
  readonly revision: Revision;
}

export type ReadCandidate =
  | ({ readonly kind: "candidate" } & KnownCandidate)
  | { readonly kind: "none" }
  /** What is there is none. */
  | { readonly kind: "bad"; readonly reason: string };

export interface CandidateWrite extends CallOptions {
  /** Of a leader: nothing is written when it leads no more. */
  readonly guard?: LeaderGuard;
}

export async function readCandidate({ store, keys }: ConfigPlace, call: CallOptions): Promise<ReadCandidate> {
  return candidateIn(await store.get(keys.candidate, call));
}

export function candidateIn(entry: Entry | undefined): ReadCandidate {
  if (entry === undefined) return { kind: "none" };
  const read = decodeCandidate(entry.value);
  if (!read.ok) return { kind: "bad", reason: `${entry.key}: ${read.reason}` };
  return { kind: "candidate", candidate: read.value, revision: entry.modified };
}

/** What it becomes, if nobody has written there since it was read. False: somebody has. */
export async function writeCandidate(
  place: ConfigPlace,
  before: Revision,
  next: ConfigCandidate,
  { guard, ...call }: CandidateWrite,
): Promise<boolean> {
  const { key, nonce, put } = candidatePut(place, next);
  const txn = { if: [asItWas(key, before)], then: [put] };
  try {
    return (await carryOutGuarded(place, guard, txn, call))?.done ?? false;
  } catch (cause) {
    if (!isUnknown(cause)) throw cause;
    const there = await place.store.get(key, call);
    return there !== undefined && decodeCandidateNonce(there.value) === nonce;
  }
}

/**
 * The pointer moves to a version that was tried, in the transaction that says so of the candidate.
 * `conflict`: somebody has moved the pointer, or has written the candidate, since it was read.
 */
export function promoteCandidate(
  place: ConfigPlace,
  { revision, candidate }: KnownCandidate,
  done: ConfigCandidate,
  options: CandidateWrite,
): Promise<PublishOutcome> {
  const { version, sha256, bytes, base, by, note } = candidate;
  const { key, put } = candidatePut(place, withoutRolledBack(done, sha256));
  const move = { ...options, expected: base, by, note };
  return movePointer(place, move, async ({ pointer, latest }) => {
    const there = await place.store.get(key, options);
    if (there?.modified !== revision) return { kind: "conflict", running: pointer };
    const read = await readVersion(place, version, options);
    if (read.kind !== "version" || read.version.sha256 !== sha256) {
      return { kind: "missing", version, reason: "what was tried is not kept any more" };
    }
    return {
      to: { kind: "publish", version, sha256, bytes, latest: Math.max(latest, version) },
      if: [asItWas(key, revision), { kind: "created", key: place.keys.version(version), revision: read.created }],
      then: [put],
    };
  });
}

/** What is written of a candidate, and how whoever wrote it knows that again. */
interface CandidatePut {
  readonly key: string;
  readonly nonce: string;
  readonly put: Write;
}

export function candidatePut({ keys }: ConfigPlace, next: ConfigCandidate): CandidatePut {
  const [key, nonce] = [keys.candidate, randomUUID()];
  return { key, nonce, put: { kind: "put", key, value: encodeCandidate(next, nonce) } };
}

function asItWas(key: string, revision: Revision): Compare {
  return { kind: "modified", key, revision };
}

/** Whether a document was tried in vain: the newest time. */
export function rolledBackOf(read: ReadCandidate, sha256: string): ConfigCandidate["rolledBack"][number] | undefined {
  return read.kind === "candidate" ? read.candidate.rolledBack.findLast((one) => one.sha256 === sha256) : undefined;
}

/** It was tried in vain: so it is kept that the same document is not tried by mistake. */
export function withRolledBack(candidate: ConfigCandidate, reason: string, atMs: number): ConfigCandidate {
  const { version, sha256 } = candidate;
  const state = candidate.state === "aborted" ? "aborted" : "rolled_back";
  const one = { version, sha256, atMs, reason: reason.slice(0, CANDIDATE_BOUNDS.nodeReason), state } as const;
  const others = candidate.rolledBack.filter((known) => known.sha256 !== sha256);
  return { ...candidate, rolledBack: [...others, one].slice(-CANDIDATE_BOUNDS.rolledBack) };
}

/** It runs: it is tried in vain no more. The same object where nobody has said so. */
export function withoutRolledBack(candidate: ConfigCandidate, sha256: string): ConfigCandidate {
  const rolledBack = candidate.rolledBack.filter((known) => known.sha256 !== sha256);
  return rolledBack.length === candidate.rolledBack.length ? candidate : { ...candidate, rolledBack };
}

/** The highest number that a version was given, as far as what is tried tells. */
export function highestIn(read: ReadCandidate): number {
  return read.kind === "candidate" ? read.candidate.version : 0;
}

/** What a move of the pointer to a document takes with it: that is tried in vain no more. */
export function withItsDigest(
  place: ConfigPlace,
  read: ReadCandidate,
  sha256: string,
): { readonly if: readonly Compare[]; readonly then: readonly Write[] } {
  if (read.kind !== "candidate") return { if: [], then: [] };
  const next = withoutRolledBack(read.candidate, sha256);
  if (next === read.candidate) return { if: [], then: [] };
  const { key, put } = candidatePut(place, next);
  return { if: [asItWas(key, read.revision)], then: [put] };
}

/** Fails where something else was written there. */
export function refuseBad(read: Extract<ReadCandidate, { kind: "bad" }>): never {
  throw new RouterError("STORE_REFUSED", `what stands for a staged config is none: ${read.reason}`, {
    hint: "somebody else has written there; delete the key, and publish again",
  });
}
