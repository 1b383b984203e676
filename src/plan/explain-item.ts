import { Unreachable } from "../core/unreachable.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import { KeySet } from "../otlp/key-set.ts";
import { caseOf, type ChannelChoice, openChoice } from "./channel-choice.ts";
import { describeCondition } from "./describe-condition.ts";
import { keysOf, slotOf } from "./residual.ts";
import { seenBy } from "./seen-by.ts";
import type { Cond, ResourceFacts, RoutePlan, RoutePool, RulePlan } from "./route-plan.ts";

/** What one condition answered, and those that it consists of. */
export interface ConditionAnswer {
  readonly holds: boolean;
  /** For people: what was asked, or `all of`, `any of`, `not`. */
  readonly text: string;
  /**
   * The value that was asked, for people; undefined where parts were asked, or nothing is there to
   * ask.
   */
  readonly seen: string | undefined;
  readonly parts: readonly ConditionAnswer[];
}

/** Why one rule matches an item or does not, and where it would send it. */
export interface RuleAnswer {
  readonly rule: RulePlan;
  readonly condition: ConditionAnswer;
  /** The rule's pool and those that take over from it, in order. */
  readonly pools: readonly PoolAnswer[];
}

/** Where an item belongs in a pool. */
interface PoolAnswer {
  readonly pool: RoutePool;
  /** Its channel; undefined where the pool decides by the key. */
  readonly channel: number | undefined;
  /** The key's hash, for Pool.ownerOf. */
  readonly keyHash: number | undefined;
}

/** Asks everything that a route plan can be asked about items, by the tests that it routes with. */
export interface ItemExplainer {
  /** What ItemFields.read has to be given. */
  readonly keys: KeySet;
  /**
   * By rule, in the order in which rules are tried. `item` has been read with `keys`, and knows the
   * name of its scope.
   */
  explain(resource: ResourceFacts, item: ItemFields): RuleAnswer[];
}

/**
 * Nothing is left out for being answered already: slower than routing, and meant for one item at a
 * time.
 */
export function createItemExplainer(plan: RoutePlan): ItemExplainer {
  const keys = [...new Set([...plan.rules.flatMap((rule) => keysOf(rule.condition)), ...keysOfPools(plan)])];
  const slots = new Map(keys.map((key, slot) => [key, slot]));
  return {
    keys: new KeySet(keys),
    explain: (resource, item) =>
      plan.rules.map((rule, i) => ({
        rule,
        condition: answer(rule.condition, resource, item, slots),
        pools: plan.pools[plan.poolOf[i]!]!.chain.map((pool) => place(plan, plan.pools[pool]!, resource, item, slots)),
      })),
  };
}

function keysOfPools({ pools, signal }: RoutePlan): string[] {
  return pools.flatMap(({ division }) => {
    if (division.kind === "cases") return division.conditions[signal].flatMap(keysOf);
    return division.kind === "key" && division.key.from === "attribute" ? [division.key.key] : [];
  });
}

function answer(
  cond: Cond,
  resource: ResourceFacts,
  item: ItemFields,
  slots: ReadonlyMap<string, number>,
): ConditionAnswer {
  switch (cond.kind) {
    case "never":
      return {
        holds: false,
        text: `${describeCondition(cond.source)} (items of this signal have none)`,
        seen: undefined,
        parts: [],
      };
    case "resource":
    case "item": {
      const slot = cond.kind === "item" ? slotOf(cond.leaf.key, slots) : -1;
      const holds = cond.kind === "item" ? cond.leaf.bind(slot)(item) : cond.test(resource);
      return {
        holds,
        text: describeCondition(cond.source),
        seen: seenBy(cond.source, resource, item, slot),
        parts: [],
      };
    }
    case "not": {
      const inner = answer(cond.of, resource, item, slots);
      return { holds: !inner.holds, text: "not", seen: undefined, parts: [inner] };
    }
    case "all":
    case "any": {
      const parts = cond.of.map((part) => answer(part, resource, item, slots));
      const holds = cond.kind === "all" ? parts.every((part) => part.holds) : parts.some((part) => part.holds);
      return { holds, text: `${cond.kind} of`, seen: undefined, parts };
    }
    default:
      throw new Unreachable(cond);
  }
}

function place(
  plan: RoutePlan,
  pool: RoutePool,
  resource: ResourceFacts,
  item: ItemFields,
  slots: ReadonlyMap<string, number>,
): PoolAnswer {
  const choice: ChannelChoice = openChoice(pool.division, plan.signal, resource).bind(slots);
  switch (choice.kind) {
    case "fixed":
      return { pool, channel: choice.channel, keyHash: undefined };
    case "cases":
      return { pool, channel: caseOf(choice, item), keyHash: undefined };
    case "hash":
      return { pool, channel: undefined, keyHash: choice.hash };
    case "key":
      return { pool, channel: undefined, keyHash: choice.hashOf(item) };
    default:
      throw new Unreachable(choice);
  }
}
