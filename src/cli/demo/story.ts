import { Unreachable } from "../../core/unreachable.ts";

/** How far the demo's story is. Times are milliseconds since its start. */
export type Story =
  | { readonly phase: "calm"; readonly stopAtMs: number }
  | { readonly phase: "outage"; readonly sinceMs: number }
  | { readonly phase: "return"; readonly sinceMs: number; readonly tryAtMs: number }
  | { readonly phase: "restored"; readonly sinceMs: number }
  | { readonly phase: "over" };

export interface StoryStep {
  readonly story: Story;
  /** What has to be done for it. */
  readonly action?: "stop_primary" | "start_primary";
}

/** What the story waits for. */
export interface StoryFacts {
  readonly elapsedMs: number;
  /** Where most payments went just now. */
  readonly paymentsOn: "primary" | "standby" | "nowhere";
  readonly primaryRuns: boolean;
}

interface StoryPlan {
  /** Infinity: over and over, until somebody stops it. */
  readonly durationMs: number;
  readonly calmMs: number;
  readonly outageMs: number;
}

/** The shortest story: calm, an outage, the return. */
export const SHORTEST_MS = 8_000;
/** A demo remembers what it has sent for so long; an endless one ends then. */
export const LONGEST_MS = 86_400_000;
/**
 * An endless demo stops the primary again after this. Longer than the router remembers earlier
 * failures.
 */
const REPEAT_MS = 60_000;
/** What the story waits for must come within this, or it goes on without it. */
const PATIENCE_MS = 15_000;
/** A primary that could not start gets another chance after this. */
const START_AGAIN_MS = 1_000;

/**
 * The router asks a target that is out every second, and tries it when it has answered twice: an
 * outage can be short, and is seen.
 */
export function planStory(durationMs: number): StoryPlan {
  const calmMs = Math.min(8_000, durationMs / 4);
  return { durationMs, calmMs, outageMs: durationMs < 16_000 ? 1_500 : 5_000 };
}

export function openingOf(plan: StoryPlan): Story {
  return { phase: "calm", stopAtMs: plan.calmMs };
}

/** One step. Pure; the same story when nothing changes. */
export function stepStory(story: Story, facts: StoryFacts, plan: StoryPlan): StoryStep {
  const { elapsedMs } = facts;
  switch (story.phase) {
    case "calm":
      if (elapsedMs < story.stopAtMs) return { story };
      return { story: { phase: "outage", sinceMs: elapsedMs }, action: "stop_primary" };
    case "outage": {
      const long = elapsedMs - story.sinceMs;
      if (long < plan.outageMs || (facts.paymentsOn !== "standby" && long < PATIENCE_MS)) return { story };
      return startPrimary(elapsedMs, elapsedMs);
    }
    case "return":
      if ((facts.primaryRuns && facts.paymentsOn === "primary") || elapsedMs - story.sinceMs >= PATIENCE_MS) {
        return { story: { phase: "restored", sinceMs: elapsedMs } };
      }
      if (facts.primaryRuns || elapsedMs < story.tryAtMs) return { story };
      return startPrimary(story.sinceMs, elapsedMs);
    case "restored":
      if (elapsedMs >= plan.durationMs) return { story: { phase: "over" } };
      if (plan.durationMs !== Infinity || elapsedMs - story.sinceMs < REPEAT_MS) return { story };
      return { story: { phase: "calm", stopAtMs: elapsedMs } };
    case "over":
      return { story };
    default:
      throw new Unreachable(story satisfies never);
  }
}

/** What happens now, and what will happen next, in words. */
export function captionOf(story: Story, elapsedMs: number, plan: StoryPlan): string {
  switch (story.phase) {
    case "calm":
      return `All targets work. The payments' first one, target-1, is stopped ${inSeconds(story.stopAtMs - elapsedMs)}.`;
    case "outage":
      return "target-1 is stopped: payments go to target-2, the shop to those that are left.";
    case "return":
      return "target-1 runs again. It gets the payments back when it has worked for 2 s.";
    case "restored":
      if (plan.durationMs === Infinity) return "All is as it was. Ctrl-C ends the demo.";
      return `All is as it was. The load ends ${inSeconds(plan.durationMs - elapsedMs)}.`;
    case "over":
      return "The load has ended. The router delivers what it still holds, and stops.";
    default:
      throw new Unreachable(story satisfies never);
  }
}

function startPrimary(sinceMs: number, nowMs: number): StoryStep {
  return { story: { phase: "return", sinceMs, tryAtMs: nowMs + START_AGAIN_MS }, action: "start_primary" };
}

function inSeconds(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return seconds === 0 ? "now" : `in ${seconds} s`;
}
