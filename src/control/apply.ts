import type { Config } from "../config/schema/config.ts";
import type { Clock } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import { formatProblem, type Problem } from "../core/problem.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import type { Plan } from "../plan/plan.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { changedPaths } from "./changed-paths.ts";

/** What came of a config that somebody wants to run. All but `applied` leave the running one untouched. */
export type ApplyOutcome =
  | {
      readonly kind: "applied";
      readonly version: number;
      readonly digest: string;
      readonly warnings: readonly Problem[];
      /** Paths under `node` that changed and count only after a restart. */
      readonly restartRequired: readonly string[];
    }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | { readonly kind: "failed"; readonly reason: string };

/** What the walk needs. The steps are arguments: what they read (files, environment) is their giver's business. */
export interface WalkParts {
  /** Parses and validates; the config is there when no problem is an error. */
  readonly load: (text: string) => { readonly config: Config | undefined; readonly problems: readonly Problem[] };
  /** Fails only for what a valid config may still lack, such as a certificate that cannot be read. */
  readonly compile: (config: Config, version: number, text: string) => Plan;
  readonly dataPlane: DataPlane;
  /** Told after the swap; for what takes effect outside of the data plane. Must not throw. */
  readonly onApplied: (config: Config) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface ConfigStatus {
  readonly version: number;
  readonly digest: string;
  readonly running: Config;
  /** Clock.wallMs() of when it was taken over. */
  readonly appliedMs: number;
  readonly restartRequired: readonly string[];
  /** Of the newest config that was read; undefined while that is the one the node started with. */
  readonly last: ApplyOutcome | undefined;
}

export interface ConfigWalk {
  /** Walks a document to the data plane. Calls wait for one another. Never rejects. */
  apply(text: string): Promise<ApplyOutcome>;
  /** For a document that could not even be read. */
  unreadable(reason: string): void;
  readonly status: ConfigStatus;
}

/** Parts of `node` that take effect without a restart; `region` is part of the plan. */
const LIVE_NODE_KEYS = new Set(["log", "shutdown_grace", "region"]);

/** The config walk of a running node, from the config it was started with. */
export function createConfigWalk(started: Config, parts: WalkParts): ConfigWalk {
  return new Walk(started, parts);
}

class Walk implements ConfigWalk {
  readonly #started: Config;
  readonly #parts: WalkParts;
  #status: ConfigStatus;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(started: Config, parts: WalkParts) {
    this.#started = started;
    this.#parts = parts;
    const { version, digest } = parts.dataPlane.plan;
    const appliedMs = parts.clock.wallMs();
    this.#status = { version, digest, running: started, appliedMs, restartRequired: [], last: undefined };
    parts.metrics.configVersion.with().read(() => this.#status.version);
    parts.metrics.configLastApplyFailed
      .with()
      .read(() => ((this.#status.last?.kind ?? "applied") === "applied" ? 0 : 1));
  }

  get status(): ConfigStatus {
    return this.#status;
  }

  apply(text: string): Promise<ApplyOutcome> {
    const result = this.#turn.then(async () => this.#conclude(await this.#walk(text)));
    this.#turn = result;
    return result;
  }

  unreadable(reason: string): void {
    this.#conclude({ kind: "unreadable", reason });
  }

  /** load, compile, swap: whatever fails on the way leaves the running config untouched. */
  async #walk(text: string): Promise<ApplyOutcome> {
    const { load, compile, dataPlane, onApplied, clock } = this.#parts;
    try {
      const { config, problems } = load(text);
      if (config === undefined) return { kind: "invalid", problems };
      const plan = compile(config, this.#status.version + 1, text);
      await dataPlane.apply(plan);
      const { version, digest } = plan;
      const restartRequired = restartPaths(this.#started, config);
      this.#status = { ...this.#status, version, digest, running: config, appliedMs: clock.wallMs(), restartRequired };
      onApplied(config);
      return { kind: "applied", version, digest, warnings: problems, restartRequired };
    } catch (cause) {
      return { kind: "failed", reason: reasonOf(cause) };
    }
  }

  #conclude(outcome: ApplyOutcome): ApplyOutcome {
    this.#status = { ...this.#status, last: outcome };
    this.#parts.metrics.configApplies.with(outcome.kind).add(1);
    report(this.#parts.log, outcome);
    return outcome;
  }
}

/** Compared with what the node was started with: a change that is taken back needs no restart any more. */
function restartPaths(started: Config, config: Config): string[] {
  return changedPaths(started.node, config.node, "node").filter((path) => {
    const key = /^node\.(\w+)/u.exec(path)?.[1] ?? "";
    return !LIVE_NODE_KEYS.has(key);
  });
}

function report(log: Log, outcome: ApplyOutcome): void {
  switch (outcome.kind) {
    case "applied":
      return reportApplied(log, outcome);
    case "invalid":
      return log.error("config not applied: it has problems", { problems: outcome.problems.map(formatProblem) });
    case "failed":
      return log.error("config not applied: it could not be taken over", { reason: outcome.reason });
    case "unreadable":
      return log.error("config not applied: it cannot be read", { reason: outcome.reason });
    default:
      throw new Unreachable(outcome);
  }
}

function reportApplied(log: Log, applied: Extract<ApplyOutcome, { kind: "applied" }>): void {
  const { version, digest, warnings, restartRequired } = applied;
  const told = warnings.length > 0 ? { warnings: warnings.map(formatProblem) } : {};
  log.info("config applied", { version, digest, ...told });
  if (restartRequired.length > 0) {
    log.warn("config changes that take effect only after a restart", { restart_required: restartRequired });
  }
}
