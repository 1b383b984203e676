import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { reasonReference } from "./reason-reference.ts";
import { adminReference } from "./admin-reference.ts";
import { cliReference } from "./cli-reference.ts";
import { metricReference } from "./metric-reference.ts";
import { ROOT } from "./pages.ts";

const cases = [
  { page: "docs/reference/admin-roles.md", made: adminReference() },
  { page: "docs/reference/cli.md", made: cliReference() },
  { page: "docs/reference/metrics.md", made: metricReference() },
  { page: "docs/reference/reasons.md", made: reasonReference() },
] as const;
for (const { page, made } of cases) {
  test(`${page} says what the code says`, () => {
    assert.ok(readFileSync(`${ROOT}${page}`, "utf8") === made, "write it anew: npm run reference");
  });
}
