import type { MemberBoard } from "./resolve/member-board.ts";
import type { Plan } from "../plan/plan.ts";
import type { SecretReader } from "../plan/secrets.ts";
import type { Env } from "../telemetry/env.ts";
import type { LimitHolding } from "../plan/limits/limit-ask.ts";
import type { Admission } from "./admit/admission.ts";
import type { Strategies } from "./balance/strategies.ts";
import type { Losses } from "./queue/losses.ts";
import type { CurrentStrategies } from "./balance/plugins.ts";
import type { Pools } from "./queue/pools.ts";
import type { Records } from "./queue/records.ts";
import type { NodeGuard } from "./sample/node-guard.ts";
import type { RandomnessCounts } from "./sample/randomness-counts.ts";

/** What a data plane consists of, opened. */
export interface OpenedParts {
  readonly plan: Plan;
  readonly pools: Pools;
  readonly strategies: CurrentStrategies;
  readonly secrets: SecretReader;
  /** There with every plan. */
  readonly given: Strategies | undefined;
  readonly admission: Admission;
  readonly members: MemberBoard;
  /** Of the limits of the plan where these are others', too. */
  readonly limitHolding?: LimitHolding | undefined;
  readonly env: Env & {
    readonly losses: Losses;
    readonly records: Records;
    readonly guard: NodeGuard;
    readonly randomness: RandomnessCounts;
  };
}
