import { Unreachable } from "../../../core/unreachable.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { type ClientEnv, openTransport, USER_AGENT } from "../../connect/transport.ts";
import type { Check, CheckedClient } from "../check.ts";
import { addressFor } from "./check-request.ts";
import { openGrpcCheck } from "./grpc-check.ts";
import { openHttpCheck } from "./http-check.ts";
import { openOtlpCheck } from "./otlp-check.ts";
import { openTcpCheck } from "./tcp-check.ts";

/** Opens a check of one target; `client` is the target's own. A changed check is opened anew. */
export function openCheck(check: CheckPlan, current: () => TargetPlan, client: CheckedClient, env: ClientEnv): Check {
  const at = { ...current(), url: check.url, address: addressFor(check, current()), proxy: check.proxy };
  switch (check.type) {
    case "otlp":
      return openOtlpCheck(check, current, client);
    case "http":
      return openHttpCheck(check, current, USER_AGENT, env.clock);
    case "grpc":
      return openGrpcCheck(check, current, openTransport({ ...at, ...check.connection }, env, 1));
    case "tcp":
      return openTcpCheck(at, env.clock);
    default:
      throw new Unreachable(check.type satisfies never);
  }
}
