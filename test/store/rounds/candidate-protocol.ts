import type { StoreSettings } from "../../../src/store/store.ts";
import type { Told } from "../history-checker.ts";

/** What is wrong on purpose, so that it is seen that the checker sees it. */
export const FAULTS = ["unguarded", "reused", "jumping"] as const;
export type Fault = (typeof FAULTS)[number];

/** What names of scopes begin with. */
export const ELECTION = "e";
export const LOCK = "l";

/** The one argument of a candidate's process, as JSON. */
export interface CandidateTask {
  readonly settings: StoreSettings;
  readonly prefix: string;
  readonly id: string;
  readonly ttlMs: number;
  /** By election. */
  readonly faults: Readonly<Record<string, Fault>>;
  /** Between two writes of a leader. */
  readonly writePauseMs: number;
}

/**
 * A line of its standard input: it blocks its thread until a byte comes on `WAKING_FD`. Any other
 * is an election to stand for.
 */
export const BLOCK = "-block";
export const WAKING_FD = 3;

/** A line of a candidate's standard output: what it tells, or what went wrong for now. */
export type Line = Told | { readonly kind: "trouble"; readonly scope: string; readonly message: string };

export function writeLine(line: Line): string {
  return `${JSON.stringify(line, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value))}\n`;
}

export function readLine(text: string): Line {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" && /^\d+n$/u.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Line;
}

/** Where a leader writes: what is there at the end is the store's own history. */
export function writesPrefix(prefix: string): string {
  return `${prefix}/rounds/`;
}

export interface WriteText {
  readonly by: string;
  readonly epoch: string;
}
