import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { RetryReason } from "../send-outcome.ts";
import type { Health, HealthPolicy } from "./health.ts";
import type { CallNews } from "./silence.ts";

/**
 * Who decides about the health of one target: the machine itself, in the process that has one for
 * the node (health-monitor.ts), or what stands for it in a worker (worker-monitor.ts).
 */
export interface TargetMonitor {
  /** As of now: what time has changed has changed. */
  health(): Health;
  readonly policy: HealthPolicy;
  /** What an operator asked for; undefined when nothing, or no longer. */
  override(): OperatorOverride | undefined;
  /** The last active check. */
  readonly check: CheckStatus | undefined;
  /**
   * Clock.nowMs() of the next try of a target that is out; undefined when none is planned, or it is
   * not out.
   */
  nextTryMs(): number | undefined;
  /** A batch leaves: gives the epoch that its outcome has to bring back. */
  sent(): number;
  /** For each `sent`, before its outcome is told. */
  ended(news: CallNews): void;
  success(epoch: number): void;
  failure(epoch: number, reason: RetryReason): void;
  /** Answered, but with a refusal of the target's own making. */
  refused(epoch: number): void;
  throttled(epoch: number, delayMs: number | undefined): void;
  neutral(epoch: number): void;
  /**
   * Answered that it does not take what was sent: nothing against it, unless it takes nothing at
   * all.
   */
  elsewhere(epoch: number): void;
  operate(override: OperatorOverride): void;
  /** The plan has changed: another policy, and perhaps other checks. */
  adopt(before: TargetPlan): void;
  /** Nothing is asked, counted or logged from here on; resolves when the checks are closed. */
  close(): Promise<void>;
}
