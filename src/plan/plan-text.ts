import { commonEnds, commonItems } from "../core/common-ends.ts";
import { sha256Of } from "../core/sha256.ts";
import type { RuleSpec } from "./compile-routes.ts";
import type { PlanData } from "./plan-data.ts";

/** A plan with its text, which was made before. */
export interface WrittenPlan extends Pick<PlanData, "rules"> {
  readonly text: string;
}

const OPEN = ',"rules":[\n';
/** What stands behind the last rule. */
export const CLOSE = "\n]}";
const BETWEEN = ",\n";

/**
 * The text of a plan, for another process or a disk: JSON, in which each rule has a line, and all
 * else stands on the first. It may hold secrets. Of rules that are the same objects in `before` the
 * lines are taken from there.
 */
export function planText({ rules, ...others }: PlanData, before?: WrittenPlan): string {
  const head = JSON.stringify(others).slice(0, -1) + OPEN;
  return head + (before === undefined ? linesOf(rules) : linesAfter(rules, before)) + CLOSE;
}

function linesOf(rules: readonly RuleSpec[]): string {
  return rules.map((rule) => JSON.stringify(rule)).join(BETWEEN);
}

function linesAfter(rules: readonly RuleSpec[], { rules: was, text }: WrittenPlan): string {
  const { head, tail } = commonItems(rules, was);
  const first = rulesAt(text);
  const headEnd = skipLines(text, first, head);
  const tailStart = skipLines(text, headEnd, was.length - head - tail);
  const parts = [
    text.slice(first, Math.max(first, headEnd - (head < was.length ? BETWEEN : "\n").length)),
    linesOf(rules.slice(head, rules.length - tail)),
    text.slice(tailStart, tail === 0 ? tailStart : -CLOSE.length),
  ];
  return parts.filter((part) => part !== "").join(BETWEEN);
}

/** Where the first rule stands. */
export function rulesAt(text: string): number {
  return text.indexOf("\n") + 1;
}

/** Where the line begins that is so many further on; `from` is where one begins. */
function skipLines(text: string, from: number, lines: number): number {
  let at = from;
  for (let line = 0; line < lines; line++) at = text.indexOf("\n", at) + 1;
  return at;
}

/** A text with its SHA-256. */
export interface SummedText {
  readonly text: string;
  readonly sum: string;
}

export function summed(text: string): SummedText {
  return { text, sum: sha256Of(text) };
}

/** How the text of one plan becomes that of another. */
export interface PlanChange {
  /** The sums of the one, and of the other. */
  readonly from: string;
  readonly to: string;
  /** The first line, which is always another. */
  readonly head: string;
  /** What stands below it is cut from here to there, and this is put in. */
  readonly start: number;
  readonly end: number;
  readonly put: string;
}

/** Undefined where so much differs that all of it is as good. */
export function changeBetween(before: SummedText, after: SummedText): PlanChange | undefined {
  const at = rulesAt(after.text);
  const [was, is] = [before.text.slice(rulesAt(before.text)), after.text.slice(at)];
  const [start, tail] = commonEnds(was, is);
  const put = is.slice(start, is.length - tail);
  if (put.length > is.length / 2) return undefined;
  return { from: before.sum, to: after.sum, head: after.text.slice(0, at), start, end: was.length - tail, put };
}

/** Undefined where the change is none of this text, or does not give what it should. */
export function changedText(before: SummedText, change: PlanChange): SummedText | undefined {
  const { from, to, head, start, end, put } = change;
  if (before.sum !== from) return undefined;
  const was = before.text.slice(rulesAt(before.text));
  const after = summed(head + was.slice(0, start) + put + was.slice(end));
  return after.sum === to ? after : undefined;
}
