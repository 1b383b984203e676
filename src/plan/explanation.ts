import type { Reason } from "../core/reason.ts";
import type { Signal } from "../otlp/signal.ts";
import type { TargetState } from "./data-plane.ts";
import type { DelayRange } from "./limits/retry-delay.ts";
import type { ShareReason } from "./sampling-plan.ts";

/** What is to be explained: what would become of these items if they came now. */
export interface ExplainRequest {
  readonly signal: Signal;
  /** An OTLP export request in protobuf. */
  readonly bytes: Uint8Array;
  /** Of the listener that it would come in by; undefined: that of the node. */
  readonly region?: string | undefined;
  /** Of the sender, with names in any case; undefined: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** So many items are explained, from the first on. */
  readonly maxItems: number;
}

/**
 * Plain data, and the same in the admin API and on the command line: hence the spelling of its
 * keys.
 */
export interface Explanation {
  /** Of the config. */
  readonly version: number;
  readonly digest: string;
  readonly signal: Signal;
  /**
   * Why the request as a whole would be refused, so that nothing of it is delivered; null when it
   * would not be.
   */
  readonly refusal: Refused | null;
  /**
   * Where a pool asks for `compressed: pass_through`: what becomes of requests that come
   * compressed, for people. All else here is of those that are read.
   */
  readonly passed_through?: string | undefined;
  /** What limits make of it before; absent where nothing is limited. */
  readonly limits?: LimitsExplanation | undefined;
  /** Items in the request; `items` may have fewer. */
  readonly total_items: number;
  readonly items: readonly ItemExplanation[];
}

export interface Refused {
  readonly reason: Reason;
  readonly message: string;
}

/** What became of a request at the limits. */
const LIMIT_OUTCOMES = ["let_in", "refused", "shed"] as const;
type LimitOutcome = (typeof LIMIT_OUTCOMES)[number];

/**
 * Whether `global.rate_limiting` lets a request in, all of it together, by what the process that
 * was asked has left. Items are spans, data points and log records, rates a second.
 */
export interface LimitsExplanation {
  /** `shed`: it is let in without the items of keys that are over. */
  readonly outcome: LimitOutcome;
  /** Items that count against the limits, and those of them that would be shed. */
  readonly items: number;
  readonly shed_items: number;
  /** For people. */
  readonly why: string;
  /** Until it would be let in as things are; null: it is, or that cannot be said. */
  readonly wait_ms: number | null;
  /** What its sender would be told to wait, one of these by chance; null: it is not refused. */
  readonly retry_after_ms: DelayRange | null;
  /** What keys are: `service`, or the name of a header or an attribute. */
  readonly key: string;
  readonly mixed: "refuse" | "shed";
  /** Others have parts of the limits, too: workers of the node, or nodes of the fleet. */
  readonly shared: boolean;
  readonly total: LimitExplanation;
  /** Those that have a limit of their own, and are in the request; those that are over first. */
  readonly keys: readonly KeyLimitExplanation[];
  readonly keys_left_out: number;
}

/** One limit that a request counts against. */
export interface LimitExplanation {
  /** What in `global.rate_limiting` makes it: `max_qps`, `per_service_limit`, `keys["pay*"]`. */
  readonly setting: string;
  /** Items of the request that count against it. */
  readonly items: number;
  readonly limit: number;
  /** Items that may come at once after a pause. */
  readonly burst: number;
  /** What this process may let in of it. */
  readonly granted: number;
  /** Items that may come now; below zero: so many are to be paid back first. */
  readonly left: number;
  /** Nothing is left. */
  readonly over: boolean;
}

interface KeyLimitExplanation extends LimitExplanation {
  readonly key: string;
}

/** One item, as if it came alone. */
export interface ItemExplanation {
  readonly item: ItemSummary;
  /**
   * In the order in which they are tried. Of thousands that do not match only the first are here.
   */
  readonly rules: readonly RuleExplanation[];
  /** Rules that do not match and are not in `rules`. */
  readonly rules_left_out: number;
  /** Places of the copies that rules make. */
  readonly copies: readonly PlaceExplanation[];
  /** Where the item itself goes; null when no rule takes it. */
  readonly place: PlaceExplanation | null;
  /** What becomes of an item that no rule takes; null when one does. */
  readonly unmatched: "refuse" | "drop" | null;
  /** What sampling makes of it before; absent where nothing of the signal is sampled. */
  readonly sampling?: SamplingExplanation | undefined;
}

/** Whether sampling keeps an item, and why. */
export interface SamplingExplanation {
  readonly class: string;
  readonly kept: boolean;
  /** For people. */
  readonly why: string;
  /** Share of its class that is kept now, and what it is due to. */
  readonly probability: number;
  readonly reason: ShareReason;
  /**
   * As `th` and `rv` have them; a threshold is empty where nothing is kept, and a randomness null
   * where there is nothing to decide by.
   */
  readonly threshold: string;
  readonly randomness: string | null;
  /** The probability that it came with; null without randomness. */
  readonly arrival: number | null;
  /** Decided and counted, and kept all the same. */
  readonly dry_run: boolean;
}

export interface ItemSummary {
  /** From 0, in the order of the request. */
  readonly index: number;
  /** `span`, `metric` or `log record`. */
  readonly kind: string;
  /** Of spans and metrics. */
  readonly name: string;
  readonly service: string;
  readonly region: string;
  /** In hex; empty without one. */
  readonly trace_id: string;
}

/** What a rule does with an item. */
const RULE_OUTCOMES = ["takes", "copies", "passed_over", "no_match", "not_asked", "other_signal"] as const;
export type RuleOutcome = (typeof RULE_OUTCOMES)[number];

export interface RuleExplanation {
  readonly rule: string;
  readonly mode: "first" | "copy";
  readonly pool: string;
  readonly outcome: RuleOutcome;
  /** For people: why the outcome is this one. */
  readonly why: string;
  /** Null for rules that are not asked about this signal. */
  readonly condition: ConditionExplanation | null;
}

export interface ConditionExplanation {
  readonly holds: boolean;
  /** What was asked, or `all of`, `any of`, `not`. */
  readonly text: string;
  /** The value that was asked; null where parts were. */
  readonly seen: string | null;
  readonly parts: readonly ConditionExplanation[];
}

/** Where an item, or a copy of it, would go. */
export interface PlaceExplanation {
  readonly rule: string;
  /** The pool that it goes to: the rule's own, or one that takes over from it. */
  readonly pool: string;
  readonly strategy: string;
  /** The rule's own pool, and those that take over from it in order, as they are now. */
  readonly chain: readonly PoolNow[];
  /** Why it would be refused there; null when it would not. */
  readonly refusal: Refused | null;
  /** Which of the pool's channels it waits in; null when the pool has only one. */
  readonly channel: ChannelExplanation | null;
  /** Items that wait there and leave before it. */
  readonly queued_items: number;
  /** All targets of the pool, in the order of the config. */
  readonly targets: readonly TargetExplanation[];
  readonly pick: PickExplanation;
}

export interface PoolNow {
  readonly pool: string;
  /** A target that suits the item can be used. */
  readonly usable: boolean;
  /** Its queue takes more. */
  readonly has_room: boolean;
  readonly when_down: "next_rule" | "hold" | "refuse";
}

/** `case`: content; `region`: geography; `key`: consistent_hash. */
export interface ChannelExplanation {
  readonly kind: "case" | "region" | "key";
  readonly number: number;
  /** `0` or `otherwise`, a region or `other`, the target that owns the key. */
  readonly name: string;
  /** For people: why this one. */
  readonly why: string;
}

export interface TargetExplanation {
  readonly id: string;
  /** Whether the item's channel has this target. */
  readonly in_channel: boolean;
  readonly state: TargetState;
  /** Why it is in this state. */
  readonly reason: string;
  readonly usable: boolean;
  /** May be picked now: usable, and its window has room. */
  readonly eligible: boolean;
  /** As the config has it, and what counts of it now. */
  readonly weight: number;
  readonly effective_weight: number;
  /** 0.1 to 1 while it comes back; 0 while it is out. */
  readonly share: number;
  /** Load as the strategies see it: 0 idle, 1 nothing more fits. */
  readonly score: number;
  readonly latency_ms: number | null;
  readonly in_flight: number;
  readonly window: number;
}

/** Which target the next batch of the channel would go to. */
export type PickExplanation =
  | { readonly kind: "target"; readonly target: string }
  /** A copy for each. */
  | { readonly kind: "copies"; readonly targets: readonly string[] }
  /** By chance: the share of each target that has one, 1 together. */
  | { readonly kind: "chances"; readonly chances: Readonly<Record<string, number>> }
  /** Nothing can be picked now: it waits. */
  | { readonly kind: "waits" }
  /** A plugin decides, and is not asked beforehand. */
  | { readonly kind: "plugin" };
