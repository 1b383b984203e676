import { mkdirSync, writeFileSync } from "node:fs";
import { adminReference } from "./admin-reference.ts";
import { cliReference } from "./cli-reference.ts";
import { configReference } from "./config-reference.ts";
import { reasonReference } from "./reason-reference.ts";
import { metricReference } from "./metric-reference.ts";
import { ROOT } from "./pages.ts";

// Writes all references anew (npm run reference); tests tell when it is needed.
const references = {
  "admin-roles.md": adminReference(),
  "cli.md": cliReference(),
  "config.md": configReference(),
  "metrics.md": metricReference(),
  "reasons.md": reasonReference(),
};
mkdirSync(`${ROOT}docs/reference`, { recursive: true });
for (const [file, text] of Object.entries(references)) writeFileSync(`${ROOT}docs/reference/${file}`, text);
