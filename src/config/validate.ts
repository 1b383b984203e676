import type { Finding } from "./finding.ts";
import { readOutline } from "./outline.ts";
import { checkFallbackCycles } from "./validate/fallback-cycles.ts";
import { checkListeners } from "./validate/listeners.ts";
import { checkRanges } from "./validate/ranges.ts";
import { checkReachability } from "./validate/reachability.ts";
import { checkReferences } from "./validate/references.ts";
import { checkRulePools } from "./validate/rule-pools.ts";
import { checkTargetOptions } from "./validate/target-options.ts";
import { checkUniqueIds } from "./validate/unique-ids.ts";

/** Everything that a schema cannot say, found in the values as written, whatever else may be wrong with them. */
export function validate(root: unknown): Finding[] {
  const outline = readOutline(root);
  return CHECKS.flatMap((check) => check(outline));
}

const CHECKS = [
  checkUniqueIds,
  checkReferences,
  checkRulePools,
  checkFallbackCycles,
  checkListeners,
  checkTargetOptions,
  checkRanges,
  checkReachability,
];
