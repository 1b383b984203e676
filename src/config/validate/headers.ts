import { isCredential } from "../../core/header-name.ts";
import type { Condition } from "../condition-type.ts";
import { type Finding, fault } from "../finding.ts";
import type { AskedEntries } from "./asked-rules.ts";
import { writtenConditions } from "./written-conditions.ts";

/**
 * Conditions on headers that are credentials: a value in a rule would be a secret that everybody reads who may read rules, and
 * explanations would tell which values fit.
 */
export function checkHeaderConditions({ rules, cases }: AskedEntries): Finding[] {
  return [...rules, ...cases.flat()].flatMap((entry) =>
    writtenConditions(entry).flatMap(({ condition, path }) => {
      if (condition.kind !== "header" || !isCredential(condition.key) || asksOnlyPresence(condition)) return [];
      const message = `${condition.key} is a credential: rules may only ask whether it is there`;
      return [
        fault(path, message, "write exists: true or exists: false, or let senders say who they are in another header"),
      ];
    }),
  );
}

function asksOnlyPresence({ match }: Extract<Condition, { kind: "header" }>): boolean {
  return match.tests.every(({ op }) => op === "exists");
}
