import type { Txn } from "../store.ts";
import {
  candidateIn,
  candidatePut,
  highestIn,
  type ReadCandidate,
  refuseBad,
  rolledBackOf,
} from "./config-candidate.ts";
import { CANDIDATE_VALID, type ConfigCandidate, decodeCandidateNonce } from "./config-candidate-record.ts";
import {
  carryOutGuarded,
  isUnknown,
  type PointerBefore,
  type PublishOptions,
  type PublishOutcome,
  signed,
  stillAs,
  tryMoves,
} from "./config-pointer.ts";
import { pruneConfig } from "./config-prune.ts";
import { bytesIn, valueOf } from "./config-publish.ts";
import { sha256Of } from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";

export interface StageOptions extends Omit<PublishOptions, "guard"> {
  /** Also when the document was rolled back before. */
  readonly again?: boolean;
  /** Who tries it, and hears nothing for so long, goes back: 30 s to 10 min; default: 2 min. */
  readonly validForMs?: number;
}

export type StageOutcome =
  | { readonly kind: "staged"; readonly candidate: ConfigCandidate }
  /** Another version is tried. */
  | { readonly kind: "under_way"; readonly candidate: ConfigCandidate }
  /** The same document was tried in vain. */
  | { readonly kind: "rolled_back"; readonly version: number; readonly reason: string }
  /** Nothing was published yet, so there is nothing to go back to. */
  | { readonly kind: "no_base" }
  | Extract<PublishOutcome, { kind: "unchanged" | "conflict" | "invalid" }>;

/**
 * Publishes a version that nothing points at, and writes down that some nodes are to try it. What
 * runs is another decision: `promoteCandidate`.
 */
export async function stageConfig(place: ConfigPlace, text: string, options: StageOptions): Promise<StageOutcome> {
  const bytes = bytesIn(text);
  const problems = place.check(text);
  if (problems.length > 0) return { kind: "invalid", problems };
  const sha256 = sha256Of(text);
  return tryMoves(place, options, async (before) => {
    const entry = await place.store.get(place.keys.candidate, options);
    const known = candidateIn(entry);
    if (known.kind === "bad") return refuseBad(known);
    const refusal = refusalFor(before, known, sha256, options);
    if (refusal !== undefined || before.pointer === undefined) return refusal ?? { kind: "no_base" };
    const version = Math.max(before.latest, highestIn(known)) + 1;
    const about = { version, sha256, bytes };
    const value = await valueOf(place, text, about, options);
    const candidate = newCandidate(place, { ...about, base: before.pointer.version, known }, options);
    const written = candidatePut(place, candidate);
    const was = stillAs(written.key, entry);
    const put = { kind: "put", key: place.keys.version(version), value } as const;
    const txn: Txn = {
      if: [stillAs(place.keys.current, before.entry), was, { kind: "absent", key: put.key }],
      then: [put, written.put],
    };
    if (!(await carryOut(place, txn, { nonce: written.nonce, put }, options))) return undefined;
    // Also where nothing is ever promoted, what is old is not kept.
    const revision = before.entry?.modified;
    if (revision !== undefined) await pruneConfig(place, { ...before.pointer, latest: version }, revision, options);
    return { kind: "staged", candidate };
  });
}

function refusalFor(
  { pointer }: PointerBefore,
  known: ReadCandidate,
  sha256: string,
  { again = false }: StageOptions,
): StageOutcome | undefined {
  if (pointer === undefined) return { kind: "no_base" };
  if (pointer.sha256 === sha256) return { kind: "unchanged", pointer };
  const isTried = known.kind === "candidate" && known.candidate.state === "running";
  // Another version was published meanwhile, and whoever leads has not seen it yet.
  if (isTried && known.candidate.base === pointer.version) return { kind: "under_way", candidate: known.candidate };
  const before = again ? undefined : rolledBackOf(known, sha256);
  return before && { kind: "rolled_back", version: before.version, reason: before.reason };
}

function validMs(wantedMs: number = CANDIDATE_VALID.usualMs): number {
  return Math.min(CANDIDATE_VALID.mostMs, Math.max(CANDIDATE_VALID.leastMs, wantedMs));
}

interface Staged extends Pick<ConfigCandidate, "base" | "bytes" | "sha256" | "version"> {
  readonly known: ReadCandidate;
}

function newCandidate(place: ConfigPlace, { known, ...about }: Staged, options: StageOptions): ConfigCandidate {
  const { atMs, by, note } = signed(place, options);
  return {
    ...about,
    state: "running",
    paused: false,
    pausedBy: "",
    pausedMs: null,
    again: options.again ?? false,
    stage: "node",
    passed: [],
    nodes: [],
    region: "",
    lost: 0,
    left: 0,
    validForMs: validMs(options.validForMs),
    epoch: "",
    createdMs: atMs,
    startedMs: atMs,
    by,
    note,
    reason: "",
    told: false,
    windows: [],
    rolledBack: known.kind === "candidate" ? known.candidate.rolledBack : [],
  };
}

/** What tells whether it was done, where the answer is lost. */
interface StagedMark {
  readonly nonce: string;
  /** The version: nobody writes over it. */
  readonly put: { readonly key: string; readonly value: Uint8Array };
}

async function carryOut(
  place: ConfigPlace,
  txn: Txn,
  { nonce, put }: StagedMark,
  options: StageOptions,
): Promise<boolean> {
  try {
    return (await carryOutGuarded(place, undefined, txn, options))?.done ?? false;
  } catch (cause) {
    if (!isUnknown(cause)) throw cause;
    const there = await place.store.get(place.keys.candidate, options);
    if (there !== undefined && decodeCandidateNonce(there.value) === nonce) return true;
    // Whoever leads may have written of it since.
    const version = await place.store.get(put.key, options);
    if (version === undefined) throw cause;
    return Buffer.compare(version.value, put.value) === 0;
  }
}
