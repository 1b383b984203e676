import { type Clock, sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { MemberHealth } from "./member.ts";
import type { Registration } from "./registration.ts";

/** One thing about this process or its machine that has to be well. Others may be brought along. */
export interface HealthCheck {
  /** Begins the reason when it is not: `memory: 95 % of 2 GiB are used`. */
  readonly name: string;
  /** Undefined: well; else what is wrong. What it throws, or taking too long, is wrong, too. */
  check(signal: AbortSignal): string | undefined | Promise<string | undefined>;
}

/** All checks of a process together. */
export interface HealthChecks {
  /** What came of the last round; unknown before the first. */
  readonly health: MemberHealth;
  /** One round: all at the same time. */
  check(signal: AbortSignal): Promise<MemberHealth>;
}

/** How checks are asked, and how often one has to fail. */
export interface HealthChecksOptions {
  readonly clock: Clock;
  /** Of each check; default 5 s. */
  readonly timeoutMs?: number;
  /** Rounds in a row with something wrong until it is unhealthy; default 2. */
  readonly fall?: number;
  /** Rounds in a row without until it is healthy again; default 2. The first one counts at once. */
  readonly rise?: number;
}

const TIMEOUT_MS = 5_000;

/** Checks that are asked together, in rounds. */
export function createHealthChecks(checks: readonly HealthCheck[], options: HealthChecksOptions): HealthChecks {
  const { fall = 2, rise = 2 } = options;
  let health: MemberHealth = { state: "unknown" };
  let [wrong, well] = [0, 0];
  return {
    get health() {
      return health;
    },
    async check(signal) {
      const found = await Promise.all(checks.map((check) => outcomeOf(check, options, signal)));
      const reasons = found.filter((reason) => reason !== undefined);
      [wrong, well] = reasons.length > 0 ? [wrong + 1, 0] : [0, well + 1];
      if (reasons.length === 0) {
        if (health.state === "unknown" || well >= rise) health = { state: "healthy" };
      } else if (health.state !== "healthy" || wrong >= fall) {
        health = { state: "unhealthy", reason: reasons.join("; ") };
      }
      return health;
    },
  };
}

async function outcomeOf(
  check: HealthCheck,
  options: HealthChecksOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { clock, timeoutMs = TIMEOUT_MS } = options;
  const over = new AbortController();
  const late = new RouterError("TIMED_OUT", `it took longer than ${timeoutMs} ms`);
  const timer = sleep(clock, timeoutMs, AbortSignal.any([signal, over.signal])).then(
    () => {
      over.abort(late);
      return late.message;
    },
    () => (signal.aborted ? "it was interrupted" : undefined),
  );
  try {
    const asked = Promise.resolve(check.check(AbortSignal.any([signal, over.signal])));
    const reason = await Promise.race([asked, timer]);
    return reason === undefined ? undefined : `${check.name}: ${reason}`;
  } catch (cause) {
    return `${check.name}: ${reasonOf(cause)}`;
  } finally {
    over.abort(late);
  }
}

/** How often rounds are reported, and for how long. */
export interface ReportOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Between rounds; default 10 s. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 10_000;

/** Rounds of checks, each told to the registry, until the signal. Only changes are written. */
export async function reportHealth(
  registration: Registration,
  checks: HealthChecks,
  { clock, signal, intervalMs = INTERVAL_MS }: ReportOptions,
): Promise<void> {
  for (;;) {
    const health = await checks.check(signal);
    if (signal.aborted) return;
    // While the store is away it is kept and written later; rounds go on meanwhile.
    registration.heartbeat(health, { signal }).catch(() => undefined);
    try {
      await sleep(clock, intervalMs, signal);
    } catch {
      return;
    }
  }
}
