import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC, grpcCodeName } from "../otlp/grpc-code.ts";
import { classifyGrpc, classifyHttp } from "./export/classify.ts";
import { isTargetFault } from "./send-outcome.ts";

test("of all gRPC codes that refuse for good, four are the target's fault", () => {
  const faults = Object.values(GRPC).filter((status) => {
    const outcome = classifyGrpc({ status, message: "", retryDelayMs: undefined, pushbackMs: undefined });
    return status !== GRPC.OK && outcome.kind === "rejected" && isTargetFault(outcome);
  });
  assert.deepEqual(faults.map((status) => grpcCodeName(status)).toSorted(), [
    "INTERNAL",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "UNKNOWN",
  ]);
});

test("of all HTTP statuses that refuse for good, 401, 403 and 5xx are the target's fault", () => {
  for (let status = 300; status < 600; status++) {
    const outcome = classifyHttp({ status, message: "", retryAfter: undefined }, 0);
    if (outcome.kind !== "rejected") continue;
    assert.equal(isTargetFault(outcome), status === 401 || status === 403 || status >= 500, String(status));
  }
});
