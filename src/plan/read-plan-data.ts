import { RouterError } from "../core/errors.ts";
import { coverSecrets } from "../core/secret-source.ts";
import { sharing } from "../core/sharing.ts";
import { PLAN_SCHEMA, type PlanData } from "./plan-data.ts";

/**
 * Reads the text of a plan back. Throws CONFIG_INVALID for what is no plan, or one of another
 * schema; nothing of the text is repeated.
 */
export function readPlanData(text: string): PlanData {
  const plan = checkPlanData(parsed(text));
  return { ...plan, rules: withShared(plan.rules) };
}

/** What several rules have is one object: of 10,000 rules that is some MB. */
function withShared(rules: PlanData["rules"]): PlanData["rules"] {
  const shared = sharing();
  return rules.map((rule) => ({
    ...rule,
    signals: shared(rule.signals),
    conditions: rule.conditions.map(shared),
  }));
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
  coverSecrets([data.targets, data.linkKeys]);
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
