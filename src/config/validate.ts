import type { Finding } from "./finding.ts";
import { readOutline } from "./outline.ts";
import type { ConfigDocument } from "./schema/config.ts";
import { readAskedEntries } from "./validate/asked-rules.ts";
import { checkConditions } from "./validate/conditions.ts";
import { checkFallbackCycles } from "./validate/fallback-cycles.ts";
import { checkForwardHeaders, checkHeaderConditions } from "./validate/headers.ts";
import { checkListeners } from "./validate/listeners.ts";
import { checkQueueSize } from "./validate/queue-size.ts";
import { checkRanges } from "./validate/ranges.ts";
import { checkReachability } from "./validate/reachability.ts";
import { checkReferences } from "./validate/references.ts";
import { checkRulePools } from "./validate/rule-pools.ts";
import { checkShadows } from "./validate/shadowed.ts";
import { checkStrategies } from "./validate/strategies.ts";
import { checkTargetOptions } from "./validate/target-options.ts";
import { checkUniqueIds } from "./validate/unique-ids.ts";
import { checkUsage } from "./validate/usage.ts";

/**
 * Everything that a schema cannot say, found in the values as written, whatever else may be wrong with them; `document` is
 * what the schema makes of them when it finds nothing wrong.
 */
export function validate(root: unknown, document: ConfigDocument | undefined): Finding[] {
  const outline = readOutline(root);
  const asked = readAskedEntries(outline, document);
  return [
    ...CHECKS.flatMap((check) => check(outline)),
    ...checkConditions(asked),
    ...checkHeaderConditions(asked),
    ...checkShadows(asked),
  ];
}

const CHECKS = [
  checkUniqueIds,
  checkReferences,
  checkRulePools,
  checkFallbackCycles,
  checkListeners,
  checkTargetOptions,
  checkRanges,
  checkQueueSize,
  checkReachability,
  checkUsage,
  checkStrategies,
  checkForwardHeaders,
];
