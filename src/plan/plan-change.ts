import { isDeepStrictEqual } from "node:util";
import { commonItems } from "../core/common-ends.ts";
import { derivedList } from "../core/derived-list.ts";
import type { PlanData } from "./plan-data.ts";

/**
 * How one plan becomes another that differs from it in a few rules: plain data, for whoever has the
 * one. It may hold secrets.
 */
export interface PlanChange {
  /** All of the other but its rules. */
  readonly others: Omit<PlanData, "rules">;
  /** So many rules are cut out from here on, and these are put in. */
  readonly start: number;
  readonly cut: number;
  readonly put: PlanData["rules"];
}

/**
 * Undefined where so much differs that all of it is as good. Rules that are the same objects are
 * not compared.
 */
export function changeBetween({ rules: was }: PlanData, { rules, ...others }: PlanData): PlanChange | undefined {
  const { head, tail } = commonItems(was, rules, (a, b) => a === b || isDeepStrictEqual(a, b));
  const put = rules.slice(head, rules.length - tail);
  if (put.length > rules.length / 2) return undefined;
  return { others, start: head, cut: was.length - head - tail, put };
}

/** The other plan; rules that stay are the same objects. */
export function changedPlan(before: PlanData, { others, start, cut, put }: PlanChange): PlanData {
  return { ...others, rules: derivedList(before.rules, start, cut, put) };
}
