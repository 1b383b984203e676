import type { Finding } from "./finding.ts";
import { readOutline } from "./outline.ts";
import type { SchemaDocument } from "./schema/config.ts";
import { readAskedEntries } from "./validate/asked-rules.ts";
import { checkConditions, checkShadows } from "./validate/conditions.ts";
import { checkFallbackCycles, checkReferences, checkRulePools, checkUniqueIds } from "./validate/references.ts";
import { checkForwardHeaders, checkTargetOptions } from "./validate/targets.ts";
import { checkDiscoveries } from "./validate/discoveries.ts";
import { checkListeners } from "./validate/listeners.ts";
import { checkLimiting } from "./validate/limiting.ts";
import { checkNodeFleet } from "./validate/node-fleet.ts";
import { checkSampling } from "./validate/sampling.ts";
import { checkSources } from "./validate/sources.ts";
import { checkPassThrough } from "./validate/pass-through.ts";
import { checkQueueSize, checkRanges, checkStrategies } from "./validate/pools.ts";
import { checkReachability, checkUsage } from "./validate/usage.ts";

/**
 * Everything that a schema cannot say, found in the values as written, whatever else may be wrong
 * with them; `document` is what the schema makes of them when it finds nothing wrong.
 */
export function validate(root: unknown, document: SchemaDocument | undefined): Finding[] {
  const outline = readOutline(root);
  const asked = readAskedEntries(outline, document);
  return [...CHECKS.flatMap((check) => check(outline)), ...checkConditions(asked), ...checkShadows(asked)];
}

const CHECKS = [
  checkUniqueIds,
  checkReferences,
  checkRulePools,
  checkFallbackCycles,
  checkListeners,
  checkNodeFleet,
  checkTargetOptions,
  checkDiscoveries,
  checkRanges,
  checkSampling,
  checkLimiting,
  checkSources,
  checkQueueSize,
  checkReachability,
  checkUsage,
  checkStrategies,
  checkForwardHeaders,
  checkPassThrough,
];
