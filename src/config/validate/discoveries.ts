import { isDeepStrictEqual } from "node:util";
import { type DiscoveryKey, discoveryIn, discoveryKeyOf } from "../discovered.ts";
import { atKey, caution, fault, type Finding, formatPath } from "../finding.ts";
import { checkCircles } from "./circles.ts";
import type { DiscoveredTarget, Outline, OutlinePool } from "../outline.ts";
import { MAX_SELECTIONS } from "../schema/discovery.ts";
import { textOf, type Values, valueAt, valuesOf } from "../values.ts";

/** Pools that find their targets: the addresses behind a name, or nodes of the fleet. */
export function checkDiscoveries(outline: Outline): Finding[] {
  return [...checkIds(outline), ...checkCollectors(outline), ...outline.pools.flatMap(checkStrategy)];
}

/** What several pools find is one target: it cannot have two settings. */
function checkIds({ targets, discovered }: Outline): Finding[] {
  return discovered.flatMap(({ id, path, values, written }, i) => {
    if (id === undefined) return [];
    const at = [...path, values["id"] === undefined ? (discoveryKeyOf(written) ?? "id") : "id"];
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

/** What is found of the fleet, which a node asks its controller for. */
function checkCollectors(outline: Outline): Finding[] {
  const { root, discovered } = outline;
  const found = discovered.filter(({ written }) => valuesOf(written["collectors"]) !== undefined);
  return [
    ...checkCount(found),
    ...checkLength(found),
    ...found.flatMap(checkChecks),
    ...checkAlone(root, found),
    ...checkCircles({ ...outline, discovered: found }),
  ];
}

function checkCount(found: readonly DiscoveredTarget[]): Finding[] {
  const selections: unknown[] = [];
  return found.flatMap(({ path, written }) => {
    const { collectors, protocol = "grpc" } = written;
    const known = selections.some((one) => isDeepStrictEqual(one, [collectors, protocol]));
    if (!known) selections.push([collectors, protocol]);
    if (known || selections.length !== MAX_SELECTIONS + 1) return [];
    const message = `nodes of the fleet are selected in more than ${MAX_SELECTIONS} ways`;
    return [atKey(fault([...path, "collectors"], message, "let pools share some of them"))];
  });
}

/** All of them are one request to the controller, which takes 256 KiB. */
const MAX_SELECTION_BYTES = 196_608;

function checkLength(found: readonly DiscoveredTarget[]): Finding[] {
  let left = MAX_SELECTION_BYTES;
  for (const { path, written } of found) {
    left -= Buffer.byteLength(JSON.stringify(written["collectors"]));
    if (left >= 0) continue;
    const message = `what nodes of the fleet are selected by is longer than ${MAX_SELECTION_BYTES} bytes, together`;
    return [atKey(fault([...path, "collectors"], message, "select them by fewer and shorter tags"))];
  }
  return [];
}

/** Each node is asked by itself. */
function checkChecks({ path, written }: DiscoveredTarget): Finding[] {
  if (valueAt(written, "health_check", "endpoint") === undefined) return [];
  const message = "is one address, and each of the nodes is asked whether it works";
  return [fault([...path, "health_check", "endpoint"], message, "leave it out")];
}

/** Of a document that says how its node stands. */
function checkAlone(root: Values, [first]: readonly DiscoveredTarget[]): Finding[] {
  const node = valuesOf(root["node"]);
  if (first === undefined || node === undefined) return [];
  const type = textOf(valueAt(node, "coordination", "type")) ?? "embedded";
  const listen = valueAt(node, "fleet", "listen");
  if (type !== "embedded" || (listen !== undefined && listen !== false)) return [];
  const message = "this node is part of no fleet: it finds no other nodes";
  return [caution([...first.path, "collectors"], message, "give it a store that nodes share: node.coordination")];
}

/** To its pool what is found is one target, however many addresses are behind it. */
const NEED_SEVERAL: Readonly<Record<string, string>> = {
  failover: "failover with one target has nowhere to go",
  broadcast: "what is found is one target: one of its addresses gets the copy",
};

const FOUND_BY: Readonly<Record<DiscoveryKey, string>> = { dns: "by a name", collectors: "in the fleet" };

function checkStrategy({ path, values }: OutlinePool): Finding[] {
  const discovery = discoveryIn(values["targets"]);
  if (discovery === undefined) return [];
  const type = textOf(values["strategy"]) ?? textOf(valuesOf(values["strategy"])?.["type"]) ?? "";
  const at = [...path, "strategy"];
  if (type === "content") {
    const by = FOUND_BY[discoveryKeyOf(discovery) ?? "dns"];
    const message = `content chooses among targets, and what is found ${by} is one`;
    return [fault(at, message, "use rules with conditions, or list targets")];
  }
  const message = NEED_SEVERAL[type];
  return message === undefined ? [] : [caution(at, message, "list targets, or choose another strategy")];
}
