import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { ConditionAnswer, RuleAnswer } from "../../plan/explain-item.ts";
import type { ConditionExplanation, ItemExplanation, RuleExplanation } from "../../plan/explanation.ts";
import { checkAdmissible } from "../pipeline.ts";
import { placedFor, type ExplainWalk } from "./walk.ts";
import { explainPlace, isOpen } from "./explain-place.ts";

/** Of rules that do not match, so many are told for one item: there may be ten thousand. */
const MAX_MISMATCHES = 100;

/**
 * Routes a request of one item, and tells what each rule made of it. `answers` are those of its
 * item.
 */
export function explainDrafts(
  walk: ExplainWalk,
  alone: Uint8Array,
  answers: readonly RuleAnswer[],
): Omit<ItemExplanation, "item"> {
  const { router, routePools: pools, noRoute } = walk;
  const envelope = new Envelope();
  if (!scanEnvelope(walk.signal, alone, envelope)) throw new TypeError("a slice of a well-formed request is malformed");
  router.divide(envelope, walk.region, walk.headers);
  const places: number[] = [];
  const { obstacle } = checkAdmissible({ router, pools, noRoute }, placedFor(walk, envelope), places);
  const drafts = router.drafts.map((draft, d) => {
    const rule = draft.rules[0]!;
    const pool = places[d] ?? draft.pool;
    return {
      rule,
      copies: router.plan.rules[rule]!.mode === "copy",
      at: { pool, from: draft.pool, channel: draft.channel },
    };
  });
  const refusal = obstacle === undefined ? null : { reason: obstacle.reason, message: obstacle.message };
  const told = drafts.map(({ rule, copies, at }) => ({
    rule,
    copies,
    place: explainPlace(walk, answers[rule]!, at, refusal),
  }));
  const taker = told.find(({ copies }) => !copies);
  const rules = tellRules(walk, answers, taker?.rule, new Set(told.map(({ rule }) => rule)));
  const unmatched = router.unmatchedPoints > 0 || taker === undefined ? router.plan.unmatched : null;
  return {
    ...rules,
    copies: told.filter(({ copies }) => copies).map(({ place }) => place),
    place: taker?.place ?? null,
    unmatched,
  };
}

function tellRules(
  walk: ExplainWalk,
  answers: readonly RuleAnswer[],
  taker: number | undefined,
  used: ReadonlySet<number>,
): Pick<ItemExplanation, "rules" | "rules_left_out"> {
  const takerIsOpen = taker !== undefined && isOpen(walk, answers[taker]!);
  const rules: RuleExplanation[] = [];
  let mismatches = 0;
  for (const [i, answer] of answers.entries()) {
    if (!answer.condition.holds && ++mismatches > MAX_MISMATCHES) continue;
    const asked = taker === undefined || i <= taker || !takerIsOpen;
    const outcome = outcomeOf(answer, { taken: i === taker, used: used.has(i), asked });
    const { id, mode, pool } = answer.rule;
    const why = whyOf(outcome, walk, answer, taker === undefined ? "" : answers[taker]!.rule.id);
    rules.push({ rule: id, mode, pool, outcome, why, condition: tellCondition(answer.condition) });
  }
  const others = walk.router.plan.others.slice(0, MAX_MISMATCHES).map((id) => otherRule(id, walk.signal));
  const leftOut = Math.max(0, mismatches - MAX_MISMATCHES) + walk.router.plan.others.length - others.length;
  return { rules: [...rules, ...others], rules_left_out: leftOut };
}

function outcomeOf(
  { rule, condition }: RuleAnswer,
  { taken, used, asked }: { readonly taken: boolean; readonly used: boolean; readonly asked: boolean },
): RuleExplanation["outcome"] {
  if (taken) return "takes";
  if (!condition.holds) return "no_match";
  if (!asked) return "not_asked";
  return rule.mode === "copy" && used ? "copies" : "passed_over";
}

function whyOf(outcome: RuleExplanation["outcome"], walk: ExplainWalk, answer: RuleAnswer, taker: string): string {
  switch (outcome) {
    case "takes":
      return isOpen(walk, answer)
        ? "it matches, and comes first"
        : "it matches; no target is usable, and no other rule that matches has one";
    case "copies":
      return "it matches; rules after it are asked all the same";
    case "passed_over":
      return "it matches, but no target of its pool is usable, so the next rule is asked";
    case "not_asked":
      return `it matches, but ${taker} comes before it`;
    case "no_match":
      return "a condition does not hold";
    case "other_signal":
      return "";
  }
}

function otherRule(rule: string, signal: string): RuleExplanation {
  const why = `it can match no ${signal}`;
  return { rule, mode: "first", pool: "", outcome: "other_signal", why, condition: null };
}

function tellCondition({ holds, text, seen, parts }: ConditionAnswer): ConditionExplanation {
  return { holds, text, seen: seen ?? null, parts: parts.map(tellCondition) };
}
