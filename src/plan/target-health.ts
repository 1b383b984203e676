import type { TargetConfig } from "../config/schema/config.ts";
import type { Secret } from "../core/secret.ts";
import type { SecretSource } from "../core/secret-source.ts";
import type { CheckData, TargetHealthData } from "./plan-data.ts";
import type { GrpcConnectionPlan } from "./plan.ts";
import type { ProxyPlan } from "./proxy-plan.ts";
import { compileGrpcConnection } from "./compile-protocol.ts";
import { DEFAULT_HEALTH_CHECK } from "../config/schema/target.ts";

/** What decides about the health of one target. */
export interface TargetHealthPlan {
  /** undefined: only its calls tell. */
  readonly check: CheckPlan | undefined;
  readonly ejection: EjectionPlan;
  /** A target that comes back gets its weight within this time; 0: at once. */
  readonly slowStartMs: number;
}

export interface CheckPlan {
  readonly type: "otlp" | "http" | "grpc" | "tcp";
  /** Where http, grpc and tcp ask. */
  readonly url: string;
  /** On the way there. */
  readonly proxy?: ProxyPlan | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row until the target is down. */
  readonly fall: number;
  /** Successes in a row until it is ready again. */
  readonly rise: number;
  /** For http. */
  readonly path: string;
  /** For grpc. */
  readonly service: string;
  /** For grpc: of connections of its own. */
  readonly connection: GrpcConnectionPlan;
  /** For otlp, http and grpc. Lower-case names; the values may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * False: the config says nothing, and calls that succeed make the check needless and overrule it.
   */
  readonly written: boolean;
}

export interface EjectionPlan {
  /** Failures in a row that eject. */
  readonly failures: number;
  /**
   * A smaller share of successes, within 0 and 1, of the calls in the last 10 s ejects, given so
   * many calls.
   */
  readonly minSuccessRate: number;
  readonly minRequests: number;
  /**
   * Rest after the first ejection, and the step by which it grows. Also: ready for so long makes
   * good for one ejection.
   */
  readonly restMs: number;
  readonly maxRestMs: number;
}

/** Pure, and cannot fail. */
export function compileTargetHealth(target: TargetConfig, headerOf: HeaderOf): TargetHealthData {
  const { ejection } = target;
  return {
    check: compileCheck(target, headerOf),
    ejection: {
      failures: ejection.failures,
      minSuccessRate: ejection.success_rate,
      minRequests: ejection.min_requests,
      restMs: ejection.rest,
      maxRestMs: Math.max(ejection.rest, ejection.max_rest),
    },
    slowStartMs: target.slow_start,
  };
}

/** Where the value of a header comes from, by its name as it is written. */
type HeaderOf = (name: string, value: Secret) => SecretSource;

/** By lower-case names. */
export function compileOwnHeaders(headers: TargetConfig["headers"], headerOf: HeaderOf): Record<string, SecretSource> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), headerOf(name, value)]),
  );
}

function compileCheck(target: TargetConfig, headerOf: HeaderOf): CheckData | undefined {
  const { endpoint, health_check: written } = target;
  if (written === false) return undefined;
  const check = written ?? DEFAULT_HEALTH_CHECK;
  return {
    type: check.type,
    url: check.endpoint ?? endpoint,
    intervalMs: check.interval,
    timeoutMs: check.timeout,
    fall: check.fall,
    rise: check.rise,
    path: check.path,
    service: check.service,
    connection: compileGrpcConnection(target),
    headers: compileOwnHeaders(check.headers, headerOf),
    written: written !== undefined,
  };
}
