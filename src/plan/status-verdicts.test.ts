import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC_CODES } from "../config/validate/targets.ts";
import { GRPC } from "../otlp/grpc-code.ts";
import { compileStatuses, readStatus } from "./status-verdicts.ts";

test("statuses: all codes of gRPC but OK can be named", () => {
  assert.deepEqual(
    [...GRPC_CODES],
    Object.keys(GRPC).filter((name) => name !== "OK"),
  );
  for (const name of GRPC_CODES) assert.equal(readStatus(name)?.kind, "grpc");
});

test("statuses: nothing that is written costs nothing", () => {
  assert.equal(compileStatuses({}), undefined);
  const compiled = compileStatuses({ 403: "retry", UNIMPLEMENTED: "final" });
  assert.deepEqual(compiled, { http: new Map([[403, "retry"]]), grpc: new Map([[GRPC.UNIMPLEMENTED, "final"]]) });
});
