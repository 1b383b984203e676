import { isUnproven, mayTry, usableSinceMs } from "../health/health.ts";
import { AdaptiveShares } from "./adaptive-shares.ts";
import type { TargetSource } from "./target-source.ts";

/** What may be sent to a target, as its health says. */
export const GRADE = {
  nothing: 0,
  /** One batch at a time, by a pool that has nothing better. */
  try: 1,
  /** Everything, by a pool that panics: too many of its calls fail, but not all. */
  poor: 2,
  all: 3,
} as const;
export type Grade = (typeof GRADE)[keyof typeof GRADE];

/** So often the share of a target that comes back, or follows the load, is looked at anew. */
const SHARE_STEP_MS = 250;

/** What targets say of themselves, in columns, as of when each was read last. */
export class TargetFacts {
  readonly grade: Uint8Array;
  readonly baseWeight: Float64Array;
  readonly share: Float64Array;
  readonly usableSinceMs: Float64Array;
  /** Those that wait for a probe, or have one out. */
  readonly probing = new Set<number>();
  /** Targets of each grade. */
  readonly counts = new Int32Array(4);
  /** When the next one is to be read because of time; may be early. */
  soonestMs = Infinity;
  readonly #targets: readonly TargetSource[];
  readonly #adaptive: AdaptiveShares | undefined;
  readonly #standing: Uint8Array;
  readonly #standings = new Int32Array(3);
  readonly #wakeMs: Float64Array;
  readonly #lookMs: Float64Array;

  constructor(targets: readonly TargetSource[], weights: "adaptive" | "fixed") {
    const size = targets.length;
    this.#targets = targets;
    this.#adaptive = weights === "adaptive" ? new AdaptiveShares(size) : undefined;
    this.grade = new Uint8Array(size);
    this.baseWeight = new Float64Array(size);
    this.share = new Float64Array(size).fill(1);
    this.usableSinceMs = new Float64Array(size);
    this.counts[GRADE.nothing] = size;
    this.#standing = new Uint8Array(size);
    this.#standings[ASIDE] = size;
    this.#wakeMs = new Float64Array(size).fill(Infinity);
    this.#lookMs = new Float64Array(size).fill(Infinity);
  }

  /** Targets that are ready, of those that count: not taken out by operators, nor new and unproven. */
  get ready(): number {
    return this.#standings[READY]!;
  }

  get counted(): number {
    return this.#standings[READY]! + this.#standings[FAILED]!;
  }

  /** When time alone may change what may be sent; Infinity when it does not. */
  get wakeMs(): number {
    let soonest = Infinity;
    for (const wakeMs of this.#wakeMs) soonest = Math.min(soonest, wakeMs);
    return soonest;
  }

  /** The first one from `from` on that time has changed; -1 when there is none. */
  nextDue(from: number, nowMs: number): number {
    for (let i = from; i < this.#lookMs.length; i++) if (this.#lookMs[i]! <= nowMs) return i;
    return -1;
  }

  /** To be done after all that are due have been read. */
  settle(): void {
    this.soonestMs = Infinity;
    for (const lookMs of this.#lookMs) this.soonestMs = Math.min(this.soonestMs, lookMs);
  }

  read(index: number, nowMs: number): void {
    const target = this.#targets[index]!;
    const { health } = target;
    const grade = gradeOf(target, nowMs);
    this.counts[this.grade[index]!]! -= 1;
    this.counts[grade]! += 1;
    this.grade[index] = grade;
    const standing = standingOf(target);
    this.#standings[this.#standing[index]!]! -= 1;
    this.#standings[standing]! += 1;
    this.#standing[index] = standing;
    if (health.state === "probing") this.probing.add(index);
    else this.probing.delete(index);
    this.baseWeight[index] = target.plan.weight;
    this.usableSinceMs[index] = usableSinceMs(health);
    const back = target.share(nowMs);
    this.share[index] = back * (this.#adaptive?.shareOf(index, target, nowMs) ?? 1);
    const wakeMs = target.nextChangeMs(nowMs);
    const moves = back < 1 || this.#adaptive !== undefined;
    this.#wakeMs[index] = wakeMs;
    this.#lookMs[index] = moves ? Math.min(wakeMs, nowMs + SHARE_STEP_MS) : wakeMs;
    this.soonestMs = Math.min(this.soonestMs, this.#lookMs[index]);
  }
}

const ASIDE = 0;
const FAILED = 1;
const READY = 2;

function standingOf({ health }: TargetSource): number {
  if (health.state === "ready") return READY;
  return health.state === "drain" || health.state === "maintenance" || isUnproven(health) ? ASIDE : FAILED;
}

function gradeOf(target: TargetSource, nowMs: number): Grade {
  const { health } = target;
  if (target.usable(nowMs)) return GRADE.all;
  if (health.state === "ejected" && health.reason === "success_rate") return GRADE.poor;
  return mayTry(health, nowMs) ? GRADE.try : GRADE.nothing;
}
