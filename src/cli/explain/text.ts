import type {
  ConditionExplanation,
  Explanation,
  ItemExplanation,
  ItemSummary,
  RuleExplanation,
} from "../../plan/explanation.ts";
import { inOneLine } from "../table.ts";
import { placeLines } from "./place-text.ts";
import { wrapped } from "./wrap.ts";

/** An explanation for people, one block for each item, in lines of at most `width` characters where words allow it. */
export function explanationText(explanation: Explanation, width: number): string {
  const { refusal, items, total_items: total, signal } = explanation;
  const head =
    refusal === null ? [] : wrapped(`the request is refused (${refusal.reason}): ${refusal.message}`, width, 2);
  const blocks = items.map((item) => itemLines(item, total, width).join("\n"));
  if (head.length > 0) blocks.unshift(head.join("\n"));
  if (total === 0 && head.length === 0) blocks.push(`there is no item in it (${signal})`);
  if (items.length < total) blocks.push(`${items.length} of ${total} items are explained; --items tells more`);
  return `${blocks.join("\n\n")}\n`;
}

/** A few words for one item. */
export function itemTitle({ kind, name, service, region, trace_id: trace }: ItemSummary): string {
  const facts = [`service ${service}`, `region ${region}`, ...(trace === "" ? [] : [`trace ${trace}`])];
  return inOneLine(`${kind}${name === "" ? "" : ` ${JSON.stringify(name)}`}: ${facts.join(", ")}`);
}

function itemLines(told: ItemExplanation, total: number, width: number): string[] {
  const which = total > 1 ? `${told.item.index + 1} of ${total}, ` : "";
  return [
    ...wrapped(`${which}${itemTitle(told.item)}`, width, 4),
    "  rules, in the order in which they are tried:",
    ...told.rules.flatMap((rule) => ruleLines(rule, width)),
    ...(told.rules_left_out > 0 ? [`    and ${told.rules_left_out} more that do not match`] : []),
    ...told.copies.flatMap((place) => placeLines("a copy goes", place, width)),
    ...(told.place === null ? [] : placeLines("it goes", told.place, width)),
    ...(told.unmatched === null ? [] : [`  no rule takes it: it is ${UNMATCHED[told.unmatched]}`]),
  ];
}

const UNMATCHED = { refuse: "refused (unmatched: refuse)", drop: "dropped (unmatched: drop)" } as const;

const MARKS = {
  takes: "=>",
  copies: "=+",
  passed_over: "->",
  no_match: "- ",
  not_asked: "  ",
  other_signal: "  ",
} as const;

function ruleLines({ rule, mode, pool, outcome, why, condition }: RuleExplanation, width: number): string[] {
  const about = outcome === "other_signal" ? "" : ` (${mode === "copy" ? "copy, " : ""}pool ${pool})`;
  const head = wrapped(`    ${MARKS[outcome]} ${rule}${about}: ${why}`, width, 9);
  return condition === null || (condition.text === "all of" && condition.parts.length === 0)
    ? head
    : [...head, ...topLevel(condition).flatMap((one) => conditionLines(one, 9, width))];
}

/** All conditions of a rule hold, or it does not match: that needs no line of its own. */
function topLevel(condition: ConditionExplanation): readonly ConditionExplanation[] {
  return condition.text === "all of" ? condition.parts : [condition];
}

function conditionLines({ holds, text, seen, parts }: ConditionExplanation, indent: number, width: number): string[] {
  const answer = holds ? "yes" : "no ";
  const line = `${" ".repeat(indent)}${answer} ${text}${seen === null ? "" : `; it is ${seen}`}`;
  return [...wrapped(line, width, indent + 6), ...parts.flatMap((part) => conditionLines(part, indent + 4, width))];
}
