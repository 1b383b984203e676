import type { Env } from "../../telemetry/env.ts";
import type { NodeGuard } from "./node-guard.ts";
import type { RandomnessCounts } from "./randomness-counts.ts";

/**
 * `guard`: of the node, for signals whose rates follow what comes; `randomness`: counts that of
 * spans. Absent: there is none.
 */
export type SamplerEnv = Pick<Env, "ledger" | "metrics"> & {
  readonly guard?: NodeGuard | undefined;
  readonly randomness?: Pick<RandomnessCounts, "add"> | undefined;
};

/** What became of a request. */
export const SAMPLED = { SAME: 0, LESS: 1, NOTHING: 2, MALFORMED: 3 } as const;
export type Sampled = (typeof SAMPLED)[keyof typeof SAMPLED];
