import { RouterError } from "../core/errors.ts";
import { coverSecrets } from "../core/secret-source.ts";
import { PLAN_SCHEMA, type PlanData } from "./plan-data.ts";

/**
 * A plan that has come from elsewhere, as JSON has given it back. Throws CONFIG_INVALID for what is
 * no plan, or one of another schema; nothing of it is repeated.
 */
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

function noPlan(): RouterError {
  return new RouterError("CONFIG_INVALID", "what came is no plan", { hint: "it was cut off, or is something else" });
}
