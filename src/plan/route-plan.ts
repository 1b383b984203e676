import type { Condition } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import type { KeySet } from "../otlp/key-set.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { SpanQuestion } from "../otlp/span-question.ts";
import type { Attributes } from "../otlp/resource.ts";
import type { ChannelChoice } from "./channel-choice.ts";
import type { Division } from "./division.ts";
import type { HeaderTest } from "./header-tests.ts";
import type { SenderHeaders } from "./sender-headers.ts";

/** A resource as conditions on the resource see it, with the headers of its request. */
export interface ResourceFacts {
  readonly attributes: Attributes;
  /** Attribute `region` or `cloud.region`, else that of the listener. */
  readonly region: string;
  /** Of the request that it came in. */
  readonly headers: SenderHeaders;
}

/** Asks one item, whose fields have been read. Pure. */
export type ItemTest = (item: ItemFields) => boolean;

/** A question to an item, and what has to be read of the item before it can be asked. */
export interface ItemLeaf {
  /** The attribute key whose slot `bind` needs; undefined when it needs none. */
  readonly key: string | undefined;
  /** The test, for a key set in which the key has this slot. */
  readonly bind: (slot: number) => ItemTest;
  /** The same of a span, where it is no more than a question of a whole number. */
  readonly question?: SpanQuestion | undefined;
}

/**
 * Compiled conditions: leaves ask either the resource (or its request) or the item, or are such as
 * no item of the signal can meet. Each leaf knows the condition that it was compiled from, so that
 * people can be told (describe-condition.ts).
 */
export type Cond =
  | { readonly kind: "resource"; readonly test: (resource: ResourceFacts) => boolean; readonly source: Condition }
  | { readonly kind: "item"; readonly leaf: ItemLeaf; readonly source: Condition }
  | { readonly kind: "never"; readonly source: Condition }
  | { readonly kind: "all" | "any"; readonly of: readonly Cond[] }
  | { readonly kind: "not"; readonly of: Cond };

export interface RulePlan {
  readonly id: string;
  readonly mode: "first" | "copy";
  readonly pool: string;
  readonly condition: Cond;
  /**
   * When the rule asks for exactly one service name: that name. The index by service is built from
   * it.
   */
  readonly onlyService: string | undefined;
  /** Some of the conditions are on headers. */
  readonly asksHeaders: boolean;
}

/** The rules of one signal, in the order in which they are tried, the default pool's last. */
export interface RoutePlan {
  readonly signal: Signal;
  readonly rules: readonly RulePlan[];
  /** Ids of the rules that no item of this signal can match, for explanations. */
  readonly others: readonly string[];
  /** What becomes of items that no rule takes. */
  readonly unmatched: "refuse" | "drop";
  /** All pools that rules name, and those that they fall back to. */
  readonly pools: readonly RoutePool[];
  /** By the rule's index: the index of its pool. */
  readonly poolOf: readonly number[];
  /**
   * All that rules, and cases of pools, ask about headers: two requests with the same answers go
   * the same way.
   */
  readonly headerTests: readonly HeaderTest[];
  /** Indexes of the rules that a resource of this service can match, in order. */
  candidates(service: string | undefined): readonly number[];
}

/** A pool as rules see it. */
export interface RoutePool {
  readonly name: string;
  readonly division: Division;
  /** Its own index, then those of the fallback pools, in order. */
  readonly chain: readonly number[];
}

/** What remains to be asked of the items of one distinct resource. */
export interface ResourceProgram {
  readonly service: string;
  /** Of the first rule that can still match; the others follow it. */
  readonly first: ProgramStep | undefined;
  /** The attributes that the tests read; undefined when none does. */
  readonly keys: KeySet | undefined;
  /**
   * True when no test is left, and no channel depends on the item: every item of the resource goes
   * the same way.
   */
  readonly whole: boolean;
}

/** Shared with other resources. */
export interface ProgramStep {
  /** Index into RoutePlan.rules. */
  readonly rule: number;
  /** Of its rule: the index of its pool, and whether it copies, so that nobody has to ask. */
  readonly pool: number;
  readonly isCopy: boolean;
  /** undefined: matches every item of this resource. */
  readonly test: ItemTest | undefined;
  /** For the rule's pool and those that it falls back to, as in RoutePool.chain. */
  readonly choices: readonly ChannelChoice[];
  /** What is tried after it; undefined after the last one. */
  readonly next: ProgramStep | undefined;
}
