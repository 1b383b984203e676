import { Unreachable } from "../core/unreachable.ts";
import type { Cond, ItemTest, ResourceFacts } from "./route-plan.ts";

/**
 * What is left of a condition once the resource is known: an answer, or a question to the items.
 */
type Residual = boolean | { readonly kind: "item"; readonly cond: Cond };

/** Answers all that the resource can answer. */
export function reduce(cond: Cond, resource: ResourceFacts): Residual {
  switch (cond.kind) {
    case "never":
      return false;
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

type CondLeaf = Exclude<Cond, { readonly kind: "not" | "all" | "any" }>;

/** The questions that it consists of, in order. */
export function leavesOf(cond: Cond): CondLeaf[] {
  switch (cond.kind) {
    case "never":
    case "resource":
    case "item":
      return [cond];
    case "not":
      return leavesOf(cond.of);
    case "all":
    case "any":
      return cond.of.flatMap(leavesOf);
    default:
      throw new Unreachable(cond);
  }
}

/** The attributes that its questions read, perhaps some of them twice. */
export function keysOf(cond: Cond): string[] {
  return leavesOf(cond).flatMap((leaf) => (leaf.kind === "item" ? (leaf.leaf.key ?? []) : []));
}

/** The test of what `reduce` left, for a key set in which the keys have these slots. */
export function bind(cond: Cond, slots: ReadonlyMap<string, number>): ItemTest {
  switch (cond.kind) {
    case "never":
    case "resource":
      throw new TypeError("a condition on the resource was left after it was answered");
    case "item":
      return cond.leaf.bind(slotOf(cond.leaf.key, slots));
    case "not":
      return combine("not", [bind(cond.of, slots)]);
    case "all":
    case "any":
      return combine(
        cond.kind,
        cond.of.map((part) => bind(part, slots)),
      );
    default:
      throw new Unreachable(cond);
  }
}

/** The test that parts make together; `not` has one. */
export function combine(kind: "all" | "any" | "not", tests: readonly ItemTest[]): ItemTest {
  if (kind !== "not") return kind === "all" ? allOf(tests) : anyOf(tests);
  const inner = tests[0]!;
  return (item) => !inner(item);
}

/** The slot of a key that was collected before; -1 for what needs none. */
export function slotOf(key: string | undefined, slots: ReadonlyMap<string, number>): number {
  return key === undefined ? -1 : slots.get(key)!;
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
