import { marginOf } from "../../src/store/session/lease-step.ts";
import { SESSION_TTL_MS } from "../../src/store/store.ts";

/** Names the file that a node's witness writes to, in the node's environment. */
export const RENEWALS_FILE = "SIGNALBOX_BENCH_RENEWALS";

/** Longer than a lease. */
export const BLOCK_MS = SESSION_TTL_MS + 3_000;

/** What is left of a lease that is renewed at once when it is due. */
export const FULL_MARGIN_MS = SESSION_TTL_MS - marginOf(SESSION_TTL_MS) - SESSION_TTL_MS / 3;

export interface Renewals {
  readonly count: number;
  /** How much later than it was due one was answered. */
  readonly longestDelayMs: number;
}

/** `skip`: so many lines were there before. */
export function renewalsIn(text: string, skip: number): Renewals {
  const margins = linesOf(text).slice(skip).map(Number);
  const delays = margins.map((marginMs) => Math.max(0, FULL_MARGIN_MS - marginMs));
  return { count: margins.length, longestDelayMs: Math.max(0, ...delays) };
}

export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
