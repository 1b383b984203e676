import { isDeepStrictEqual } from "node:util";
import { discoveryIn } from "../discovered.ts";
import { caution, fault, type Finding, formatPath } from "../finding.ts";
import type { Outline, OutlinePool } from "../outline.ts";
import { textOf, valuesOf } from "../values.ts";

/** Pools whose targets are the addresses behind a name. */
export function checkDiscoveries(outline: Outline): Finding[] {
  return [...checkIds(outline), ...outline.pools.flatMap(checkStrategy)];
}

/** What several pools find by one name is one target: it cannot have two settings. */
function checkIds({ targets, discovered }: Outline): Finding[] {
  return discovered.flatMap(({ id, path, values, written }, i) => {
    if (id === undefined) return [];
    const at = [...path, values["id"] === undefined ? "dns" : "id"];
    const target = targets.find((known) => known.id === id);
    if (target !== undefined) {
      return [fault(at, `the target "${id}" is there already`, `see ${formatPath([...target.path, "id"])}`)];
    }
    const first = discovered.slice(0, i).find((known) => known.id === id);
    if (first === undefined || isDeepStrictEqual(first.written, written)) return [];
    const message = `${formatPath(first.path)} has the target "${id}" with other settings`;
    return [fault(at, message, "write the same ones, or give one of them an id of its own")];
  });
}

/** To its pool the name is one target, however many addresses are behind it. */
const NEED_SEVERAL: Readonly<Record<string, string>> = {
  failover: "failover with one target has nowhere to go",
  broadcast: "what is found by a name is one target: one of its addresses gets the copy",
};

function checkStrategy({ path, values }: OutlinePool): Finding[] {
  if (discoveryIn(values["targets"]) === undefined) return [];
  const type = textOf(values["strategy"]) ?? textOf(valuesOf(values["strategy"])?.["type"]) ?? "";
  const at = [...path, "strategy"];
  if (type === "content") {
    const message = "content chooses among targets, and what is found by a name is one";
    return [fault(at, message, "use rules with conditions, or list targets")];
  }
  const message = NEED_SEVERAL[type];
  return message === undefined ? [] : [caution(at, message, "list targets, or choose another strategy")];
}
