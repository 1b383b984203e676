import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseReportedLoad } from "./reported-load.ts";

const cases = [
  { text: "TEXT cpu_utilization=0.3, mem_utilization=0.8", want: 0.3 },
  { text: "cpu_utilization=0.3", want: 0.3 },
  { text: "TEXT cpu_utilization=0.3,application_utilization=0.6", want: 0.6 },
  { text: "TEXT cpu_utilization=0.3,application_utilization=0", want: 0.3 },
  { text: 'JSON {"cpu_utilization": 0.25, "rps_fractional": 100}', want: 0.25 },
  { text: 'JSON {"cpuUtilization": 0.25}', want: 0.25 },
  { text: "TEXT cpu_utilization=0", want: 0 },
  { text: "TEXT cpu_utilization=1.7", want: 1 },
  { text: "TEXT mem_utilization=0.8", want: undefined },
  { text: "TEXT cpu_utilization=", want: undefined },
  { text: "TEXT cpu_utilization=-1", want: undefined },
  { text: "TEXT cpu_utilization=NaN", want: undefined },
  { text: 'JSON {"cpu_utilization": "high"}', want: undefined },
  { text: "JSON {", want: undefined },
  { text: "JSON null", want: undefined },
  { text: "BIN AAAA", want: undefined },
  { text: "", want: undefined },
] as const;
for (const { text, want } of cases) {
  test(`reported load: "${text}" is ${want ?? "no report"}`, () => {
    assert.equal(parseReportedLoad(text)?.utilisation, want);
  });
}

test("reported load: a text that is too long is no report", () => {
  assert.equal(parseReportedLoad(`TEXT cpu_utilization=0.5,${"x".repeat(5_000)}`), undefined);
});

test("reported load: whatever a target sends is a share or nothing", () => {
  const text = fc.oneof(
    fc.string(),
    fc.json().map((json) => `JSON ${json}`),
    fc.double().map((value) => `TEXT cpu_utilization=${value}`),
  );
  fc.assert(
    fc.property(text, (sent) => {
      const { utilisation = 0 } = parseReportedLoad(sent) ?? {};
      assert.ok(utilisation >= 0 && utilisation <= 1);
    }),
  );
});
