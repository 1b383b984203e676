/** What a node's load is told by. A closed list: label of a metric. */
export const STRESS_SIGNALS = ["queue", "event_loop", "rss", "cpu", "export_errors"] as const;
export type StressSignal = (typeof STRESS_SIGNALS)[number];

/** What there is to do about a signal, in a word of the config or of the machine. */
const STRESS_SETTINGS: Readonly<Record<StressSignal, string>> = {
  queue: "queue.max_bytes of the pool that fills, or more targets",
  event_loop: "node.workers, or more collectors",
  rss: "more memory, or less to hold: node.limits.max_in_flight_bytes, queue.max_bytes",
  cpu: "node.workers, or more collectors",
  export_errors: "the targets: see signalbox targets",
};

/** Measured, in units of its own. */
export interface StressReading {
  /** Fill of the fullest queue, 0 to 1. */
  readonly queue: number;
  /** p99 of the delay, milliseconds. */
  readonly eventLoopMs: number;
  /** Part of the memory that the process may have. */
  readonly rss: number;
  readonly cpu: number;
  /** Part of the attempts in the last seconds. */
  readonly exportErrors: number;
}

/** Each at 0 when at rest, at 1 when nothing is left. */
export type Stress = Readonly<Record<StressSignal, number>>;

/** A delay at which a node serves nobody well any more. */
const WORST_LOOP_MS = 500;
/** So much of its memory is in use on a machine that does well. */
const RESTING_MEMORY = 0.5;
/**
 * What these call for at most: level 3. A full queue refuses by itself what goes there, and only
 * that; a busy processor still works; and who refuses everybody mends no target.
 */
const NO_EMERGENCY = 0.93;

export function stressOf(reading: StressReading): Stress {
  return {
    queue: within(reading.queue, NO_EMERGENCY),
    event_loop: within(reading.eventLoopMs / WORST_LOOP_MS),
    rss: within((reading.rss - RESTING_MEMORY) / (1 - RESTING_MEMORY)),
    cpu: within(reading.cpu, NO_EMERGENCY),
    export_errors: within(reading.exportErrors, NO_EMERGENCY),
  };
}

function within(part: number, most = 1): number {
  return part > 0 ? Math.min(most, part) : 0;
}

/** What a node gives up, one after the other (facts/coordination.md 6.3). */
export const DEGRADATION_LADDER = [
  "nothing",
  "copies: rules with mode: copy copy nothing",
  "low priority is sampled down to target_rate",
  "low priority is refused",
  "all is refused that is not protected",
  "all is refused before it is read, with a delay to come back after",
] as const;
export const HIGHEST_LEVEL = DEGRADATION_LADDER.length - 1;

export interface LevelThresholds {
  /** Of the worst signal, to enter level 1, 2, .. */
  readonly enter: readonly number[];
  /** And below which the level is left. */
  readonly leave: readonly number[];
}

export interface LevelPolicy {
  readonly thresholds: LevelThresholds;
  /** Above a threshold for so long, before the next level. */
  readonly upMs: number;
  /** Below it for so long, before the level below. */
  readonly downMs: number;
  readonly mostDownMs: number;
  /** Comes it back so soon, the next time takes twice as long. */
  readonly againMs: number;
}

export const LEVEL_POLICY: LevelPolicy = {
  thresholds: { enter: [0.75, 0.82, 0.88, 0.94, 0.98], leave: [0.6, 0.67, 0.73, 0.79, 0.83] },
  upMs: 10_000,
  downMs: 60_000,
  mostDownMs: 600_000,
  againMs: 600_000,
};

export interface LevelReason {
  readonly signal: StressSignal;
  readonly value: number;
  readonly help: string;
}

export interface NodeLevel {
  readonly level: number;
  /** Why it is not 0; the worst signal when it was entered. */
  readonly reason: LevelReason | undefined;
  readonly sinceMs: number;
  /**
   * Since when the stress has called for more, or for less, than this level; and the least that it
   * has called for meanwhile.
   */
  readonly aboveMs: number | undefined;
  readonly least: LevelReason | undefined;
  readonly belowMs: number | undefined;
  /** How long it must be below now. */
  readonly downMs: number;
  /** When it last went down a step; undefined: not since it last went up. */
  readonly leftMs: number | undefined;
}

export function levelFrom(nowMs: number, policy: LevelPolicy = LEVEL_POLICY): NodeLevel {
  const { downMs } = policy;
  const none = { reason: undefined, aboveMs: undefined, least: undefined, belowMs: undefined, leftMs: undefined };
  return { level: 0, sinceMs: nowMs, downMs, ...none };
}

/**
 * Up to the level that the worst signal has called for all of the time, once that is long enough;
 * down one step at a time. What is given up makes the load less, so leaving takes longer each time
 * that it comes back soon.
 */
export function stepLevel(
  before: NodeLevel,
  stress: Stress,
  nowMs: number,
  policy: LevelPolicy = LEVEL_POLICY,
): NodeLevel {
  const worst = worstOf(stress);
  const { enter, leave } = policy.thresholds;
  const calledBy = ({ value }: LevelReason): number => enter.filter((threshold) => value >= threshold).length;
  if (calledBy(worst) > before.level) {
    const aboveMs = before.aboveMs ?? nowMs;
    const least = before.least === undefined || worst.value < before.least.value ? worst : before.least;
    const held: NodeLevel = { ...before, aboveMs, least, belowMs: undefined };
    if (nowMs - aboveMs < policy.upMs) return held;
    return entered(held, { level: calledBy(least), reason: least, nowMs, policy });
  }
  if (before.level > 0 && worst.value < leave[before.level - 1]!) {
    const belowMs = before.belowMs ?? nowMs;
    const held: NodeLevel = { ...before, aboveMs: undefined, least: undefined, belowMs };
    return nowMs - belowMs >= before.downMs ? stepDown(held, nowMs) : held;
  }
  // Calm for long enough: the next time begins as the first one did.
  const isCalm = before.level === 0 && before.leftMs !== undefined && nowMs - before.leftMs >= policy.againMs;
  return {
    ...before,
    aboveMs: undefined,
    least: undefined,
    belowMs: undefined,
    ...(isCalm && { downMs: policy.downMs }),
  };
}

/** Somebody's order, until its time is over. */
export interface LevelOrder {
  readonly level: number;
  readonly untilMs: number;
  readonly note: string;
}

/** The level that a node goes by; what is measured goes on beside an order. */
export function levelAt({ level }: NodeLevel, order: LevelOrder | undefined, nowMs: number): number {
  return order !== undefined && nowMs < order.untilMs ? order.level : level;
}

export function worstOf(stress: Stress): LevelReason {
  const worst = STRESS_SIGNALS.toSorted((a, b) => stress[b] - stress[a])[0]!;
  return { signal: worst, value: stress[worst], help: STRESS_SETTINGS[worst] };
}

interface Entering {
  readonly level: number;
  readonly reason: LevelReason;
  readonly nowMs: number;
  readonly policy: LevelPolicy;
}

function entered(before: NodeLevel, { level, reason, nowMs, policy }: Entering): NodeLevel {
  const isAgain = before.leftMs !== undefined && nowMs - before.leftMs < policy.againMs;
  const downMs = isAgain ? Math.min(policy.mostDownMs, 2 * before.downMs) : before.downMs;
  const held = { aboveMs: undefined, least: undefined, belowMs: undefined };
  // Steps further up belong to the same coming back.
  return { ...before, ...held, level, reason, sinceMs: nowMs, leftMs: undefined, downMs };
}

function stepDown(before: NodeLevel, nowMs: number): NodeLevel {
  const level = before.level - 1;
  const reason = level === 0 ? undefined : before.reason;
  return { ...before, level, reason, sinceMs: nowMs, belowMs: undefined, leftMs: nowMs };
}
