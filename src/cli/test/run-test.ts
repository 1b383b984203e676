import type { Explanation, ItemExplanation, PickExplanation, PlaceExplanation } from "../../plan/explanation.ts";
import type { DryRun } from "../../server/open-dry-run.ts";
import { itemTitle, pickText } from "../explain/text.ts";
import type { LoadedTest } from "./load.ts";
import type { Expectation } from "./schema.ts";
import { measureShare } from "./share.ts";

export interface TestResult {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly ok: boolean;
  readonly failures: readonly Failure[];
  /** Rules that took or copied something. */
  readonly reached: readonly string[];
}

export interface Failure {
  /** What was looked at: `rule`, `share of canary`. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  /** For people: why it is so. Empty where nothing is to be said. */
  readonly why: readonly string[];
}

/** Items of one request that are looked at. */
const MAX_ITEMS = 1_000;

/**
 * Runs one test. `open` gives a config that nothing has happened to yet; what it gives is used for
 * this test alone.
 */
export async function runTest(test: LoadedTest, file: string, open: () => Promise<DryRun>): Promise<TestResult> {
  await using dryRun = await open();
  const { input, expect, region, headers, name, line } = test;
  const explanation = dryRun.explain({ ...input, region, headers, maxItems: MAX_ITEMS });
  const failures = explanation.items.flatMap((item) => failuresOf(item, expect, explanation));
  if (explanation.items.length === 0) {
    failures.push({ what: "input", expected: "an item", actual: explanation.refusal?.message ?? "none", why: [] });
  }
  const reached = new Set(explanation.items.flatMap(rulesOf));
  if (expect.share !== undefined) {
    const { failure, rules } = measureShare(dryRun, test, expect.share);
    if (failure !== undefined) failures.push(failure);
    for (const rule of rules) reached.add(rule);
  }
  return { name, file, line, ok: failures.length === 0, failures, reached: [...reached] };
}

function rulesOf({ copies, place }: ItemExplanation): string[] {
  return [...copies, ...(place === null ? [] : [place])].map(({ rule }) => rule);
}

function failuresOf(item: ItemExplanation, expect: Expectation, { total_items: total }: Explanation): Failure[] {
  const { place, copies, unmatched } = item;
  const failures: Failure[] = [];
  const where = total > 1 ? `item ${item.item.index + 1}: ` : "";
  const compare = (what: string, expected: string | undefined, actual: string): void => {
    if (expected === undefined || expected === actual) return;
    failures.push({ what: `${where}${what}`, expected, actual, why: whyOf(item, expect) });
  };
  compare("rule", expect.rule, place?.rule ?? "none");
  compare("pool", expect.pool, place?.pool ?? "none");
  compare("target", expect.target, targetOf(place?.pick));
  compare("targets", listed(expect.targets), listed(targetsOf(place)) ?? "none");
  compare("channel", expect.channel, place?.channel?.name ?? "none");
  compare("case", expect.case?.toString(), place?.channel?.kind === "case" ? place.channel.name : "none");
  if (expect.copies !== undefined)
    compare("copies", listed(expect.copies), listed(copiesAs(copies, expect.copies)) ?? "none");
  compare("unmatched", expect.unmatched?.toString(), unmatchedAs(unmatched, expect.unmatched));
  return failures;
}

function targetOf(pick: PickExplanation | undefined): string {
  if (pick === undefined) return "none";
  if (pick.kind === "copies" && pick.targets.length === 1) return pick.targets[0]!;
  if (pick.kind === "chances" && Object.keys(pick.chances).length === 1) return Object.keys(pick.chances)[0]!;
  return pick.kind === "target" ? pick.target : pickText(pick);
}

function targetsOf(place: PlaceExplanation | null): string[] {
  if (place === null) return [];
  if (place.pick.kind === "copies") return [...place.pick.targets];
  if (place.pick.kind === "chances") return Object.keys(place.pick.chances);
  return place.targets.filter(({ in_channel: inChannel, usable }) => inChannel && usable).map(({ id }) => id);
}

/** By rule or by pool, as the test has it. */
function copiesAs(copies: readonly PlaceExplanation[], expected: readonly string[]): string[] {
  return copies.map(({ rule, pool }) => (!expected.includes(rule) && expected.includes(pool) ? pool : rule));
}

function unmatchedAs(actual: "refuse" | "drop" | null, expected: Expectation["unmatched"]): string {
  return typeof expected === "boolean" ? String(actual !== null) : (actual ?? "false");
}

function listed(names: readonly string[] | undefined): string | undefined {
  if (names === undefined) return undefined;
  return names.length === 0 ? "none" : names.toSorted().join(", ");
}

/** The item, and of the rules the one that took it and the one that was expected. */
function whyOf(item: ItemExplanation, { rule: wanted }: Expectation): string[] {
  const rules = item.rules.filter(({ rule, outcome }) => outcome === "takes" || rule === wanted);
  return [
    itemTitle(item.item),
    ...rules.flatMap(({ rule, why, condition }) => [`${rule}: ${why}`, ...failing(condition)]),
  ];
}

type ExplainedCondition = ItemExplanation["rules"][number]["condition"];

function failing(condition: ExplainedCondition): string[] {
  if (condition === null || condition.holds) return [];
  if (condition.text === "all of") return condition.parts.flatMap(failing);
  return [`  ${condition.text}${condition.seen === null ? "" : `; it is ${condition.seen}`}: does not hold`];
}
