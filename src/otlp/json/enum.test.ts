import assert from "node:assert/strict";
import { test } from "node:test";
import { valuesOf } from "../../../test/support/oracle/oracle.ts";
import { ENUMS } from "./enum.ts";

const OF_SCHEMA = [
  ["span_kind", "SpanKind"],
  ["status_code", "StatusCode"],
  ["temporality", "AggregationTemporality"],
  ["severity_number", "SeverityNumber"],
] as const;

for (const [kind, name] of OF_SCHEMA) {
  test(`enum: ${name} has the names and numbers of the schema`, () => {
    assert.deepEqual(Object.fromEntries(ENUMS[kind]), { ...valuesOf(name) });
  });
}
