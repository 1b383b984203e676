import type { TestResult } from "./run-test.ts";

export interface Coverage {
  /** Of the rules of all configs; 100 without any. */
  readonly percent: number;
  readonly reached: number;
  readonly rules: number;
  /** Ids, in the order of the configs. */
  readonly not_reached: readonly string[];
}

/** Which rules took or copied something in a test: those of failed tests count, because they were tried. */
export function coverageOf(
  configs: readonly { readonly rules: readonly { readonly id: string }[]; readonly results: readonly TestResult[] }[],
): Coverage {
  const missing = configs.flatMap(({ rules, results }) => {
    const reached = new Set(results.flatMap((result) => result.reached));
    return rules.filter(({ id }) => !reached.has(id)).map(({ id }) => id);
  });
  const rules = configs.reduce((sum, config) => sum + config.rules.length, 0);
  const reached = rules - missing.length;
  const percent = rules === 0 ? 100 : Math.floor((1_000 * reached) / rules) / 10;
  return { percent, reached, rules, not_reached: missing };
}
