import { SIGNALS, SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { type Health, isUnproven, isUsable, mayTry, nextChangeMs, usableSinceMs } from "../health/health.ts";
import { IndexHeap } from "../../core/heap.ts";
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
type Grade = (typeof GRADE)[keyof typeof GRADE];

/** So often the share of a target that comes back, or follows the load, is looked at anew. */
const SHARE_STEP_MS = 250;

/**
 * What targets say of themselves, in columns, as of when each was read last. For one signal: who
 * does not take it counts as if an operator had taken it out.
 */
export class TargetFacts {
  readonly grade: Uint8Array;
  readonly baseWeight: Float64Array;
  readonly share: Float64Array;
  readonly usableSinceMs: Float64Array;
  /**
   * Those that wait for a probe, or have one out; all who refuse the signal may want one some time.
   */
  readonly probing = new Set<number>();
  /** Targets of each grade. */
  readonly counts = new Int32Array(4);
  /** Targets that do not take a signal, by its index. */
  readonly refusing = new Int32Array(SIGNALS.length);
  readonly #targets: readonly TargetSource[];
  #adaptive: AdaptiveShares | undefined;
  /** As they were read last. */
  #healths: (Health | undefined)[];
  #plans: (TargetPlan | undefined)[];
  readonly #refused: Uint8Array;
  /** Of the signal; 0: signals make no difference. */
  #bit: number;
  readonly #standing: Uint8Array;
  readonly #standings = new Int32Array(3);
  /**
   * When time alone may change what may be sent, and when a share is to be looked at anew: those
   * for which it may.
   */
  #wakes: IndexHeap;
  #shareDue: IndexHeap;

  constructor(targets: readonly TargetSource[], weights: "adaptive" | "fixed", signal?: Signal) {
    const size = targets.length;
    this.#targets = targets;
    this.#adaptive = weights === "adaptive" ? new AdaptiveShares(size) : undefined;
    this.grade = new Uint8Array(size);
    this.baseWeight = new Float64Array(size);
    this.share = new Float64Array(size).fill(1);
    this.usableSinceMs = new Float64Array(size);
    this.counts[GRADE.nothing] = size;
    this.#healths = targets.map(() => undefined);
    this.#plans = targets.map(() => undefined);
    this.#refused = new Uint8Array(size);
    this.#bit = signal === undefined ? 0 : SIGNAL_FACTS[signal].bit;
    this.#standing = new Uint8Array(size);
    this.#standings[ASIDE] = size;
    this.#wakes = new IndexHeap(size);
    this.#shareDue = new IndexHeap(size);
  }

  /** As they were read last. */
  copy(): TargetFacts {
    const copy = new TargetFacts(this.#targets, "fixed");
    for (const column of ["grade", "baseWeight", "share", "usableSinceMs", "counts", "refusing"] as const)
      copy[column].set(this[column]);
    for (const index of this.probing) copy.probing.add(index);
    copy.#adaptive = this.#adaptive?.copy();
    copy.#healths = [...this.#healths];
    copy.#plans = [...this.#plans];
    copy.#refused.set(this.#refused);
    copy.#bit = this.#bit;
    copy.#standing.set(this.#standing);
    copy.#standings.set(this.#standings);
    copy.#wakes = this.#wakes.copy();
    copy.#shareDue = this.#shareDue.copy();
    return copy;
  }

  /**
   * Targets that are ready, of those that count: not taken out by operators, nor new and unproven.
   */
  get ready(): number {
    return this.#standings[READY]!;
  }

  get counted(): number {
    return this.#standings[READY]! + this.#standings[FAILED]!;
  }

  /** When time alone may change what may be sent; Infinity when it does not. */
  get wakeMs(): number {
    return this.#wakes.top < 0 ? Infinity : this.#wakes.keyOf(this.#wakes.top);
  }

  /** One that time has changed, or may have; -1 when there is none. */
  due(nowMs: number): number {
    const first = this.#wakes.top;
    if (first >= 0 && this.#wakes.keyOf(first) <= nowMs) return first;
    const next = this.#shareDue.top;
    if (next >= 0 && this.#shareDue.keyOf(next) <= nowMs) return next;
    return -1;
  }

  /**
   * Most news is of calls that ended, and changes nothing here: 20 ns, and 150 ns when something
   * did.
   */
  read(index: number, nowMs: number): void {
    const target = this.#targets[index]!;
    const { plan } = target;
    const refused = target.refused();
    const health = target.health();
    const isKnown = health === this.#healths[index] && plan === this.#plans[index];
    const isSame = isKnown && refused === this.#refused[index];
    if (isSame && !this.#shareDue.has(index) && !this.#isDue(index, nowMs)) return;
    this.#healths[index] = health;
    this.#plans[index] = plan;
    this.#countRefused(index, refused);
    this.#grade(index, health, nowMs);
    this.baseWeight[index] = plan.weight;
    this.usableSinceMs[index] = usableSinceMs(health);
    const back = health.state === "ready" && health.rampFromMs !== -Infinity ? target.share(nowMs) : 1;
    this.share[index] = back * (this.#adaptive?.shareOf(index, target, nowMs) ?? 1);
    // A time that has come and has changed nothing must not be due for ever.
    const wakeMs = nextChangeMs(health, nowMs);
    setTime(this.#wakes, index, wakeMs > nowMs ? wakeMs : nowMs + 1);
    const moves = back < 1 || this.#adaptive !== undefined;
    setTime(this.#shareDue, index, moves ? nowMs + SHARE_STEP_MS : Infinity);
  }

  #isDue(index: number, nowMs: number): boolean {
    return this.#wakes.has(index) && this.#wakes.keyOf(index) <= nowMs;
  }

  #countRefused(index: number, refused: number): void {
    const before = this.#refused[index]!;
    if (refused === before) return;
    this.#refused[index] = refused;
    for (let s = 0; s < SIGNALS.length; s++) this.refusing[s]! += ((refused >> s) & 1) - ((before >> s) & 1);
  }

  #grade(index: number, health: Health, nowMs: number): void {
    const refuses = (this.#refused[index]! & this.#bit) !== 0;
    const grade = refuses ? GRADE.nothing : gradeOf(health, nowMs);
    this.counts[this.grade[index]!]! -= 1;
    this.counts[grade]! += 1;
    this.grade[index] = grade;
    const standing = refuses ? ASIDE : standingOf(health);
    this.#standings[this.#standing[index]!]! -= 1;
    this.#standings[standing]! += 1;
    this.#standing[index] = standing;
    if (refuses || health.state === "probing") this.probing.add(index);
    else this.probing.delete(index);
  }
}

const ASIDE = 0;
const FAILED = 1;
const READY = 2;

function setTime(times: IndexHeap, index: number, atMs: number): void {
  if (atMs === Infinity) times.remove(index);
  else times.set(index, atMs);
}

function standingOf(health: Health): number {
  if (health.state === "ready") return READY;
  return health.state === "drain" || health.state === "maintenance" || isUnproven(health) ? ASIDE : FAILED;
}

function gradeOf(health: Health, nowMs: number): Grade {
  if (isUsable(health, nowMs)) return GRADE.all;
  if (health.state === "ejected" && health.reason === "success_rate") return GRADE.poor;
  return mayTry(health, nowMs) ? GRADE.try : GRADE.nothing;
}

/** A loaded target keeps at least this share of its weight. */
const LEAST = 0.1;
/**
 * Shares follow the load within a few times this time, so that what they cause does not make them
 * swing.
 */
const SMOOTHING_MS = 5_000;

/**
 * How much of its weight each target gets because of its load, 0.1 to 1: for pools with
 * `adaptive_weights`.
 */
class AdaptiveShares {
  readonly #shares: Float64Array;
  readonly #atMs: Float64Array;

  constructor(size: number) {
    this.#shares = new Float64Array(size).fill(1);
    this.#atMs = new Float64Array(size).fill(-1);
  }

  copy(): AdaptiveShares {
    const copy = new AdaptiveShares(this.#shares.length);
    copy.#shares.set(this.#shares);
    copy.#atMs.set(this.#atMs);
    return copy;
  }

  /** 1 - 0.9 times the load score, smoothed over time. */
  shareOf(index: number, target: TargetSource, nowMs: number): number {
    const wanted = 1 - (1 - LEAST) * target.load.score(nowMs, target.windowSize());
    const share = this.#shares[index]!;
    const atMs = this.#atMs[index]!;
    const followed = atMs < 0 ? 1 : 1 - Math.exp((atMs - nowMs) / SMOOTHING_MS);
    this.#atMs[index] = nowMs;
    this.#shares[index] = share + followed * (wanted - share);
    return this.#shares[index];
  }
}
