import { z } from "zod";
import { isoTime, parseIsoTime } from "../../core/iso-time.ts";
import { type Shaped, readJson, writeJson } from "./json-value.ts";

/** One node, one region, all: how far a candidate has come. */
export const ROLLOUT_STAGES = ["node", "region", "all"] as const;
export type RolloutStage = (typeof ROLLOUT_STAGES)[number];

/**
 * `running`: it is tried. `rolled_back`: it was found to be worse, or a node refused it. `aborted`:
 * somebody has ended it. `superseded`: another version was published meanwhile. `done`: it is what
 * all run.
 */
const ROLLOUT_STATES = ["running", "rolled_back", "aborted", "superseded", "done"] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/** What came of it on a node that is to run it: nothing yet, it runs it, or it will not. */
const CANARY_RESULTS = ["waiting", "running", "refused"] as const;

/** What a window may say: see `src/control/rollout/gate.ts`. */
const WINDOW_VERDICTS = ["good", "over", "doubtful", "too_little"] as const;
export type WindowVerdict = (typeof WINDOW_VERDICTS)[number];

/** More are not named, nor kept. */
export const CANDIDATE_BOUNDS = { nodes: 500, windows: 10, rolledBack: 20, reason: 500, nodeReason: 120 } as const;

/** A node that hears nothing for so long runs what all run again. */
export const CANDIDATE_VALID = { usualMs: 120_000, leastMs: 30_000, mostMs: 600_000 } as const;

const version = z.int().min(1).max(9_999_999_999);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/u, "is no SHA-256 in hex");
const at = z.string().transform((text) => parseIsoTime(text) ?? 0);
const quantity = z.number().min(0).catch(0);
const text = z.string().catch("").default("");
const attempts = z.object({
  attempted: quantity,
  failed: quantity,
  waiting: quantity.optional(),
  requests: quantity.optional(),
  refused: quantity.optional(),
});

const CanarySchema = z.object({
  id: z.string().min(1).max(256),
  /** Of the start that was asked to run it: the next one begins with what all run. */
  incarnation: z.string().max(64).default(""),
  /** The version that it runs. */
  version: z.int().min(0).catch(0).default(0),
  result: z.enum(CANARY_RESULTS).catch("waiting").default("waiting"),
  reason: text,
});
export type CandidateNode = z.output<typeof CanarySchema>;

const WindowSchema = z.object({
  /** When it ended, by the clock of whoever led. */
  at,
  stage: z.enum(ROLLOUT_STAGES).catch("node"),
  canary: attempts,
  control: attempts,
  verdict: z.enum(WINDOW_VERDICTS).catch("too_little"),
  follows: z.boolean().catch(false).default(false),
});

/** What a version that is tried no more has come to; records of before this was told: the first. */
const TRIED_IN_VAIN = ["rolled_back", "aborted"] as const;

const RolledBackSchema = z.object({
  version,
  sha256,
  at,
  reason: text,
  state: z.enum(TRIED_IN_VAIN).catch("rolled_back").default("rolled_back"),
});

const CandidateSchema = z.object({
  schema: z.literal(1),
  version,
  sha256,
  bytes: z.int().min(0),
  base: version,
  state: z.enum(ROLLOUT_STATES),
  paused: z.boolean().default(false),
  paused_by: text,
  paused_at: at.nullable().catch(null).default(null),
  again: z.boolean().default(false),
  stage: z.enum(ROLLOUT_STAGES),
  passed: z.array(z.enum(ROLLOUT_STAGES)).max(ROLLOUT_STAGES.length).default([]),
  nodes: z.array(CanarySchema).max(CANDIDATE_BOUNDS.nodes).default([]),
  region: text,
  lost: z.int().min(0).default(0),
  left: z.int().min(0).catch(0).default(0),
  valid_for_ms: z.int().min(0),
  epoch: text,
  created_at: at,
  started_at: at,
  by: text,
  note: text,
  reason: text,
  told: z.boolean().catch(false).default(false),
  windows: z.array(WindowSchema).max(CANDIDATE_BOUNDS.windows).default([]),
  rolled_back: z.array(RolledBackSchema).max(CANDIDATE_BOUNDS.rolledBack).default([]),
});

/** Two groups of nodes in the same time. */
export interface CandidateWindow {
  readonly atMs: number;
  readonly stage: RolloutStage;
  readonly canary: ItemAttempts;
  readonly control: ItemAttempts;
  readonly verdict: WindowVerdict;
  /** It began where the window before it ended, with the same nodes: both are in a row. */
  readonly follows: boolean;
}

/** Items that have come to an end, well or not, and those of them that nobody has. */
export interface ItemAttempts {
  readonly attempted: number;
  readonly failed: number;
  /** By so many more wait in queues at its end. */
  readonly waiting?: number | undefined;
  /** Requests that were answered, and those of them with an error. */
  readonly requests?: number | undefined;
  readonly refused?: number | undefined;
}

/** A version that was tried in vain: its document is tried again only when that is asked for. */
export interface RolledBackVersion {
  readonly version: number;
  readonly sha256: string;
  readonly atMs: number;
  readonly reason: string;
  readonly state: (typeof TRIED_IN_VAIN)[number];
}

/** A version that some nodes try before all run it, as it stands at `<prefix>/config/candidate`. */
export interface ConfigCandidate {
  readonly version: number;
  readonly sha256: string;
  readonly bytes: number;
  /** What the pointer named when it was published, and what its nodes go back to. */
  readonly base: number;
  readonly state: RolloutState;
  /** It stays where it is; what is worse is rolled back all the same. */
  readonly paused: boolean;
  /** Who has asked last that it is paused, or goes on, and when; empty, null: nobody has. */
  readonly pausedBy: string;
  readonly pausedMs: number | null;
  /** It was rolled back before, and is to be tried all the same. */
  readonly again: boolean;
  readonly stage: RolloutStage;
  /** Stages that it has come through. */
  readonly passed: readonly RolloutStage[];
  /** Who runs it; in the stage `all`: nobody by name. */
  readonly nodes: readonly CandidateNode[];
  /** Where these are, all of them; empty: nobody has said so. */
  readonly region: string;
  /** Of this stage: nodes that were restarted or have gone while they ran it. */
  readonly lost: number;
  /** Of this stage: nodes that have said goodbye while they ran it. */
  readonly left: number;
  /** A node that hears nothing for so long runs what all run again. */
  readonly validForMs: number;
  /** Of the leader that has begun the stage; empty: none has. */
  readonly epoch: string;
  /** Of the whole, and of the stage. */
  readonly createdMs: number;
  readonly startedMs: number;
  readonly by: string;
  readonly note: string;
  /** Why it waits, or has ended; empty: there is nothing to tell. */
  readonly reason: string;
  /** That somebody has ended it was told by a leader: the next one does not tell it again. */
  readonly told: boolean;
  /** Of this stage and of those before, oldest first. */
  readonly windows: readonly CandidateWindow[];
  /** Newest last. */
  readonly rolledBack: readonly RolledBackVersion[];
}

/** `nonce`: two that write the same at the same time are told apart. */
export function encodeCandidate(candidate: ConfigCandidate, nonce: string): Uint8Array {
  const { createdMs, startedMs, validForMs, windows, rolledBack, pausedBy, pausedMs, ...rest } = candidate;
  return writeJson({
    schema: 1,
    ...rest,
    paused_by: pausedBy,
    paused_at: pausedMs === null ? null : isoTime(pausedMs),
    valid_for_ms: validForMs,
    created_at: isoTime(createdMs),
    started_at: isoTime(startedMs),
    windows: windows.map(({ atMs, ...window }) => ({ at: isoTime(atMs), ...window })),
    rolled_back: rolledBack.map(({ atMs, ...one }) => ({ ...one, at: isoTime(atMs) })),
    nonce,
  });
}

export function decodeCandidate(bytes: Uint8Array): Shaped<ConfigCandidate> {
  return readJson(
    bytes,
    CandidateSchema.transform(
      ({ schema: _schema, created_at, started_at, valid_for_ms, windows, rolled_back, paused_by, ...more }) => {
        const { paused_at: pausedMs, ...rest } = more;
        return {
          ...rest,
          pausedBy: paused_by,
          pausedMs,
          validForMs: valid_for_ms,
          createdMs: created_at,
          startedMs: started_at,
          windows: windows.map(({ at: atMs, ...window }) => ({ ...window, atMs })),
          rolledBack: rolled_back.map(({ at: atMs, ...one }) => ({ ...one, atMs })),
        };
      },
    ),
  );
}

/** Of whoever wrote it; undefined for what is no candidate. */
export function decodeCandidateNonce(bytes: Uint8Array): string | undefined {
  const read = readJson(bytes, z.object({ nonce: z.string() }));
  return read.ok ? read.value.nonce : undefined;
}
