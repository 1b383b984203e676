import { formatProblem } from "../core/problem.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { Log } from "../telemetry/log.ts";
import type { ApplyOutcome } from "./apply-outcome.ts";

/** One line of the log for what came of a config. */
export function reportOutcome(log: Log, outcome: ApplyOutcome): void {
  switch (outcome.kind) {
    case "applied":
      return reportApplied(log, outcome);
    case "invalid":
      return log.error("config not applied: it has problems", { problems: outcome.problems.map(formatProblem) });
    case "failed":
      return log.error("config not applied: it could not be applied", { reason: outcome.reason });
    case "unreadable":
      return log.error("config not applied: it cannot be read", { reason: outcome.reason });
    default:
      throw new Unreachable(outcome);
  }
}

function reportApplied(log: Log, applied: Extract<ApplyOutcome, { kind: "applied" }>): void {
  const { version, digest, warnings, restartRequired, leaving } = applied;
  const told = warnings.length > 0 ? { warnings: warnings.map(formatProblem) } : {};
  log.info("config applied", { version, digest, ...told });
  if (leaving.length > 0)
    log.info("pools that were removed still hold items: they go on for at most five minutes", { pools: leaving });
  if (restartRequired.length > 0) {
    log.warn("config changes that take effect only after a restart", { restart_required: restartRequired });
  }
}
