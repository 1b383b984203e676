import { Unreachable } from "../core/unreachable.ts";
import type { Seen } from "../otlp/any-value.ts";
import { KeySet } from "../otlp/key-set.ts";
import type { Cond, ItemTest, ProgramStep, ResourceFacts, ResourceProgram, RoutePlan } from "./route-plan.ts";

/** What is left of a condition once the resource is known: an answer, or a question to the items. */
type Residual = boolean | { readonly kind: "item"; readonly cond: Cond };

/**
 * Specialises a route plan for one resource: evaluates all that the resource can answer, and keeps what remains to be
 * asked of its items. Runs once for each distinct resource; its result is what the cache keeps.
 */
export function specialise(plan: RoutePlan, resource: ResourceFacts): ResourceProgram {
  const name = resource.attributes.get("service.name");
  const service = textOf(name);
  const left: { rule: number; cond: Cond | undefined }[] = [];
  for (const rule of plan.candidates(name === undefined ? "" : service)) {
    const residual = reduce(plan.rules[rule]!.condition, resource);
    if (residual === false) continue;
    left.push({ rule, cond: residual === true ? undefined : residual.cond });
  }
  const keys = [...new Set(left.flatMap(({ cond }) => (cond === undefined ? [] : keysOf(cond))))];
  const slots = new Map(keys.map((key, slot) => [key, slot]));
  const steps: ProgramStep[] = left.map(({ rule, cond }) => ({ rule, test: cond && bind(cond, slots) }));
  return {
    service: service ?? "unknown",
    steps,
    keys: keys.length === 0 ? undefined : new KeySet(keys),
    whole: steps.every((step) => step.test === undefined),
  };
}

/** The region of a resource: its own word, else that of the listener it came in by. */
export function regionOf(attributes: ReadonlyMap<string, Seen>, listenerRegion: string): string {
  return textOf(attributes.get("region")) ?? textOf(attributes.get("cloud.region")) ?? listenerRegion;
}

function textOf(seen: Seen | undefined): string | undefined {
  return typeof seen === "string" ? seen : undefined;
}

function reduce(cond: Cond, resource: ResourceFacts): Residual {
  switch (cond.kind) {
    case "resource":
      return cond.test(resource);
    case "item":
      return { kind: "item", cond };
    case "not": {
      const inner = reduce(cond.of, resource);
      return typeof inner === "boolean" ? !inner : { kind: "item", cond: { kind: "not", of: inner.cond } };
    }
    case "all":
    case "any": {
      const settles = cond.kind === "any"; // the answer of one part that settles the whole
      const open: Cond[] = [];
      for (const part of cond.of) {
        const inner = reduce(part, resource);
        if (inner === settles) return settles;
        if (typeof inner !== "boolean") open.push(inner.cond);
      }
      if (open.length === 0) return !settles;
      return { kind: "item", cond: open.length === 1 ? open[0]! : { kind: cond.kind, of: open } };
    }
    default:
      throw new Unreachable(cond);
  }
}

function keysOf(cond: Cond): string[] {
  switch (cond.kind) {
    case "resource":
      return [];
    case "item":
      return cond.leaf.key === undefined ? [] : [cond.leaf.key];
    case "not":
      return keysOf(cond.of);
    case "all":
    case "any":
      return cond.of.flatMap(keysOf);
    default:
      throw new Unreachable(cond);
  }
}

function bind(cond: Cond, slots: ReadonlyMap<string, number>): ItemTest {
  switch (cond.kind) {
    case "resource":
      throw new TypeError("a condition on the resource was left after it was answered");
    case "item":
      return cond.leaf.bind(cond.leaf.key === undefined ? -1 : slots.get(cond.leaf.key)!);
    case "not": {
      const inner = bind(cond.of, slots);
      return (item) => !inner(item);
    }
    case "all":
      return allOf(cond.of.map((part) => bind(part, slots)));
    case "any":
      return anyOf(cond.of.map((part) => bind(part, slots)));
    default:
      throw new Unreachable(cond);
  }
}

function allOf(tests: readonly ItemTest[]): ItemTest {
  return (item) => {
    for (const test of tests) if (!test(item)) return false;
    return true;
  };
}

function anyOf(tests: readonly ItemTest[]): ItemTest {
  return (item) => {
    for (const test of tests) if (test(item)) return true;
    return false;
  };
}
