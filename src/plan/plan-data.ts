import type { TargetConfig } from "../config/schema/config.ts";
import type { SecretSource } from "../core/secret-source.ts";
import type { RuleSpec } from "./compile-rule.ts";
import type { DivisionData } from "./division.ts";
import type { PlanHead, PoolPlan, ProtocolPlan, TargetCommon, TargetTlsPlan } from "./plan.ts";
import type { LimitsData } from "./limits/limits-plan.ts";
import type { SamplingData } from "./sampling-plan.ts";
import type { StatusVerdict } from "./status-verdicts.ts";
import type { CheckPlan, TargetHealthPlan } from "./target-health.ts";

/** Counts up whenever a plan of before could be read wrongly. */
export const PLAN_SCHEMA = 1;

/**
 * All that the data plane needs to know of one config, as plain data: what JSON gives back of it is
 * the same. What it is made of in the process that runs it, functions and what secrets stand for,
 * is a Plan (bind.ts).
 */
export interface PlanData extends PlanHead {
  readonly schema: typeof PLAN_SCHEMA;
  /** In the order of the config, as all of these. */
  readonly targets: readonly TargetData[];
  /**
   * Those written in place are named after the rule: `rule:<id>`; the default pool in place is
   * `default`.
   */
  readonly pools: readonly PoolData[];
  readonly rules: readonly RuleSpec[];
  readonly defaultPool?: string | undefined;
  readonly unmatched: "refuse" | "drop";
  /** undefined: everything is kept. */
  readonly sampling?: SamplingData | undefined;
  /** undefined: everything is let in. */
  readonly limits?: LimitsData | undefined;
  /** Of the nodes of a fleet, where some target stands for such (`linkKeysOf`). */
  readonly linkKeys?: readonly SecretSource[];
}

/** What is different in a target before it is bound. */
type BoundLater =
  | "address"
  | "member"
  | "linkKey"
  | "resolve"
  | "proxy"
  | "headers"
  | "tls"
  | "health"
  | "statuses"
  | "connectionIdentity";

/** A union by protocol, as TargetPlan is. */
export type TargetData = TargetCommonData & ProtocolPlan;

interface TargetCommonData extends Omit<TargetCommon, BoundLater> {
  /** As the config says: what it means depends on proxies, which are the node's. */
  readonly resolve: TargetConfig["resolve"];
  /** undefined: what the environment says. */
  readonly proxy?: "none" | SecretSource | undefined;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, SecretSource>>;
  readonly tls?: TargetTlsData | undefined;
  readonly health: TargetHealthData;
  /** By HTTP status, or name of a gRPC code. */
  readonly statuses: Readonly<Record<string, StatusVerdict>>;
}

export interface TargetTlsData extends Pick<TargetTlsPlan, "insecureSkipVerify"> {
  /** PEM texts. */
  readonly ca?: SecretSource | undefined;
  readonly cert?: SecretSource | undefined;
  readonly key?: SecretSource | undefined;
  readonly serverName?: string | undefined;
}

export interface TargetHealthData extends Omit<TargetHealthPlan, "check"> {
  /** undefined: only its calls tell. */
  readonly check?: CheckData | undefined;
}

export interface CheckData extends Omit<CheckPlan, "proxy" | "headers"> {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, SecretSource>>;
}

export interface PoolData extends Omit<PoolPlan, "division"> {
  readonly division: DivisionData;
}
