import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRequest, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { SamplingRig } from "./sampling-rig.ts";

const span = (id: string): Plain => ({ traceId: Buffer.from(id.repeat(16), "hex"), name: id });
const scope = (name: string, ...ids: string[]): Plain => ({ scope: { name }, spans: ids.map(span) });

test("sampling: a scope or resource of which nothing is kept goes, and one that never had anything stays", () => {
  const bytes = encodeRequest("traces", {
    resourceSpans: [
      { scopeSpans: [scope("empty"), scope("dropped", "01"), scope("some", "01", "ff", "02")], schemaUrl: "u" },
      { scopeSpans: [scope("dropped", "01"), scope("empty")] },
      { scopeSpans: [scope("empty")] },
      {},
    ],
  });
  const left = decodeRequest("traces", new SamplingRig("traces", "{ sampling_rate: 0.5 }").sample(bytes).bytes!);
  const marked = { ...span("ff"), traceState: "ot=th:8" };
  assert.deepEqual(left, {
    resourceSpans: [
      { scopeSpans: [{ scope: { name: "empty" } }, { scope: { name: "some" }, spans: [marked] }], schemaUrl: "u" },
      { scopeSpans: [{ scope: { name: "empty" } }] },
      {},
    ],
  });
});
