import type { Signal } from "../otlp/signal.ts";
import type { KeySet } from "../otlp/key-set.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { Seen } from "../otlp/any-value.ts";

/** A resource as conditions on the resource see it. */
export interface ResourceFacts {
  readonly attributes: ReadonlyMap<string, Seen>;
  /** Attribute `region` or `cloud.region`, else that of the listener. */
  readonly region: string;
}

/** Asks one item, whose fields have been read. Pure. */
export type ItemTest = (item: ItemFields) => boolean;

/** A question to an item, and what has to be read of the item before it can be asked. */
export interface ItemLeaf {
  /** The attribute key whose slot `bind` needs; undefined when it needs none. */
  readonly key: string | undefined;
  /** The test, for a key set in which the key has this slot. */
  readonly bind: (slot: number) => ItemTest;
}

/** Compiled conditions: leaves ask either the resource or the item. */
export type Cond =
  | { readonly kind: "resource"; readonly test: (resource: ResourceFacts) => boolean }
  | { readonly kind: "item"; readonly leaf: ItemLeaf }
  | { readonly kind: "all" | "any"; readonly of: readonly Cond[] }
  | { readonly kind: "not"; readonly of: Cond };

export interface RulePlan {
  readonly id: string;
  readonly mode: "first" | "copy";
  readonly pool: string;
  readonly condition: Cond;
  /** When the rule asks for exactly one service name: that name. The index by service is built from it. */
  readonly onlyService: string | undefined;
  /** True for the rule that stands for `default_pool`. */
  readonly isDefault: boolean;
}

/** The rules of one signal, in the order in which they are tried, the default pool's last. */
export interface RoutePlan {
  readonly signal: Signal;
  readonly rules: readonly RulePlan[];
  /** What becomes of items that no rule takes. */
  readonly unmatched: "refuse" | "drop";
  /** Indexes of the rules that a resource of this service can match, in order. */
  candidates(service: string | undefined): readonly number[];
}

/** What remains to be asked of the items of one distinct resource. */
export interface ResourceProgram {
  readonly service: string;
  /** The rules that can still match, in order. */
  readonly steps: readonly ProgramStep[];
  /** The attributes that the tests read; undefined when none does. */
  readonly keys: KeySet | undefined;
  /** True when no test is left: every item of the resource goes the same way. */
  readonly whole: boolean;
}

export interface ProgramStep {
  /** Index into RoutePlan.rules. */
  readonly rule: number;
  /** undefined: matches every item of this resource. */
  readonly test: ItemTest | undefined;
}
