import { commonEnds } from "../core/common-ends.ts";
import { RouterError } from "../core/errors.ts";
import { coverSecrets } from "../core/secret-source.ts";
import { sharing } from "../core/sharing.ts";
import { PLAN_SCHEMA, type PlanData } from "./plan-data.ts";
import { CLOSE, rulesAt, type WrittenPlan } from "./plan-text.ts";

/**
 * Reads the text of a plan back. Throws CONFIG_INVALID for what is no plan, or one of another
 * schema; nothing of the text is repeated.
 */
export function readPlanData(text: string): PlanData {
  const plan = checkPlanData(parsed(text));
  return { ...plan, rules: withShared(plan.rules) };
}

/** What several rules ask is one object: of 10,000 rules that is some MB. */
function withShared(rules: PlanData["rules"]): PlanData["rules"] {
  const shared = sharing();
  return rules.map((rule) => ({ ...rule, conditions: rule.conditions.map(shared) }));
}

/**
 * The same for a text that differs from another in a few lines: only these are read, and all other
 * rules are the same objects.
 */
export function readPlanAfter(before: WrittenPlan, text: string): PlanData {
  const [was, is] = [before.text, text].map((one) => one.slice(rulesAt(one), -CLOSE.length)) as [string, string]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of two, two
  const [head, tail] = commonEnds(was, is);
  const start = is.lastIndexOf("\n", head - 1) + 1;
  const end = is.indexOf("\n", is.length - tail) + 1 || is.length;
  const from = linesIn(is.slice(0, start));
  const to = from + linesIn(was.slice(start, was.length - (is.length - end)));
  const read = parsed(`[${is.slice(start, end).replace(/,\n$/u, "")}]`) as PlanData["rules"]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as in checkPlanData
  const others = parsed(text.slice(0, rulesAt(text)) + CLOSE);
  const rules = [...before.rules.slice(0, from), ...read, ...before.rules.slice(to)];
  return { ...checkPlanData(others), rules };
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = 0; at < text.length; lines++) at = text.indexOf("\n", at) + 1 || text.length;
  return lines;
}

/** The same of a plan that has been parsed. */
export function checkPlanData(value: unknown): PlanData {
  if (typeof value !== "object" || value === null || !("schema" in value)) throw noPlan();
  if (value.schema !== PLAN_SCHEMA) {
    const schema = typeof value.schema === "number" ? String(value.schema) : "no number";
    throw new RouterError(
      "CONFIG_INVALID",
      `the plan is of schema ${schema}, and schema ${PLAN_SCHEMA} can be read here`,
      {
        hint: "it was made by another version of Signalbox: let the version that runs it make it anew",
      },
    );
  }
  const data = value as PlanData; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this schema it was written by compile()
  if (![data.targets, data.pools, data.rules].every(Array.isArray)) throw noPlan();
  coverSecrets([data.targets, data.linkKey]);
  return data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noPlan(); // the error of JSON.parse has a piece of the text in it
  }
}

function noPlan(): RouterError {
  return new RouterError("CONFIG_INVALID", "what came is no plan", { hint: "it was cut off, or is something else" });
}
