import type { CandidateWindow } from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample } from "./collector-sample.ts";
import { doubtOf, refusedShare, ROLLOUT_GATE, shareOf, waitingShare } from "./gate.ts";

/** Why a staged config waits, or has ended: for people. */
export const PAUSED_BEFORE = "it is paused, and nobody was asked to run it yet";
export const PAUSED_WITHOUT = "it is paused: those who ran it are gone, and nobody else is asked";
export const NO_NODE_RUNS_IT = "there is no node that runs it";

export function silentText(region: string): string {
  return `the controller of region ${region} does not answer, or does not know all of its nodes yet`;
}

export function lateText({ id, version }: Pick<CollectorSample, "id" | "version">, how: string): string {
  return `${id} has not taken it over ${how}, and runs version ${version}`;
}

/** `gone`: who they are, or how many. */
export function goneText(how: "left" | "lost", gone: number | readonly string[]): string {
  const isLost = how === "lost";
  if (typeof gone === "number") {
    return `${gone} nodes were ${isLost ? "restarted, or are gone" : "stopped in good order"}, while all tried it`;
  }
  const more = gone.length > 1 ? ` and ${gone.length - 1} more` : "";
  return `${gone[0] ?? "a node"}${more} was ${isLost ? "restarted, or is gone" : "stopped in good order"}, while it ran it`;
}

/** What keeps a window from being good; empty: nothing. */
export function windowText(window: CandidateWindow, tookMs: number): string {
  const { canary, control, verdict } = window;
  const seconds = Math.round(tookMs / 1_000);
  if (verdict === "too_little") {
    const seen = `${canary.attempted} items of those who try it, ${control.attempted} of the others`;
    return `too little traffic to tell: ${seen}, in ${seconds} s; it takes ${ROLLOUT_GATE.enough} of each`;
  }
  if (verdict !== "doubtful") return "";
  const [share, what] =
    doubtOf(window) === "backlog"
      ? ([waitingShare, "of the items wait in queues"] as const)
      : ([refusedShare, "of the requests are answered with an error"] as const);
  return `in doubt: ${percent(share(canary))} ${what} where it runs, and ${percent(share(control))} elsewhere, in ${seconds} s`;
}

export function worseText(window: CandidateWindow | undefined): string {
  if (window === undefined) return "";
  const [canary, control] = [window.canary, window.control].map((group) => percent(shareOf(group)));
  return `${canary} of the items fail where it runs, and ${control} elsewhere at the same time`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
