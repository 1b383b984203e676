import { Unreachable } from "../core/unreachable.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Division, HashKey } from "./division.ts";
import { dataPointHash, hashSeen, type ItemHash, slotHash, traceHash } from "./key-hash.ts";
import { bind, keysOf, reduce, slotOf } from "./residual.ts";
import type { Cond, ItemTest, ResourceFacts } from "./route-plan.ts";

/** Which channel of a pool the items of one distinct resource go to. */
export type ChannelChoice =
  | { readonly kind: "fixed"; readonly channel: number }
  /** The channel of the first test that holds. */
  | {
      readonly kind: "cases";
      readonly tests: readonly ItemTest[];
      readonly channels: readonly number[];
      readonly otherwise: number;
    }
  /** The owner's, of one key for all items. */
  | { readonly kind: "hash"; readonly hash: number }
  /** The owner's, of a key for each item. */
  | { readonly kind: "key"; readonly hashOf: ItemHash };

/** A choice that waits for the slots of the attributes it reads. */
export interface OpenChoice {
  readonly keys: readonly string[];
  readonly bind: (slots: ReadonlyMap<string, number>) => ChannelChoice;
  /** The same for choices that are the same. `idOf` numbers what is left of conditions. */
  readonly signature: (idOf: (cond: Cond) => number) => string;
}

const FIRST: ChannelChoice = { kind: "fixed", channel: 0 };
const FIRST_OPEN: OpenChoice = settled(FIRST, "0");

/** Of pools without fallback whose items are not divided: nearly all. */
export const ONLY_FIRST: readonly ChannelChoice[] = [FIRST];

/** Answers what the resource can answer; the rest is asked of the items. */
export function openChoice(division: Division, signal: Signal, resource: ResourceFacts): OpenChoice {
  switch (division.kind) {
    case "none":
      return FIRST_OPEN;
    case "regions": {
      const region = division.regions.indexOf(resource.region);
      return fixed(region < 0 ? division.regions.length : region);
    }
    case "cases":
      return openCases(division.conditions[signal], resource);
    case "key":
      return openKey(division.key, signal, resource);
    default:
      throw new Unreachable(division);
  }
}

/** Whether it depends on the item. */
export function asksItem(choice: ChannelChoice): boolean {
  return choice.kind === "cases" || choice.kind === "key";
}

/** The case that an item falls into. */
export function caseOf(choice: Extract<ChannelChoice, { kind: "cases" }>, item: ItemFields): number {
  for (let i = 0; i < choice.tests.length; i++) {
    if (choice.tests[i]!(item)) return choice.channels[i]!;
  }
  return choice.otherwise;
}

function settled(choice: ChannelChoice, signature: string): OpenChoice {
  return { keys: [], bind: () => choice, signature: () => signature };
}

function fixed(channel: number): OpenChoice {
  return settled({ kind: "fixed", channel }, String(channel));
}

function hashed(hash: number): OpenChoice {
  return settled({ kind: "hash", hash }, `hash ${hash}`);
}

function openCases(conditions: readonly Cond[], resource: ResourceFacts): OpenChoice {
  const left: Cond[] = [];
  const channels: number[] = [];
  let otherwise = conditions.length;
  for (const [channel, cond] of conditions.entries()) {
    const residual = reduce(cond, resource);
    if (residual === true) {
      otherwise = channel; // all items that come to it
      break;
    }
    if (residual === false) continue;
    left.push(residual.cond);
    channels.push(channel);
  }
  if (left.length === 0) return fixed(otherwise);
  return {
    keys: left.flatMap(keysOf),
    bind: (slots) => ({ kind: "cases", tests: left.map((cond) => bind(cond, slots)), channels, otherwise }),
    signature: (idOf) => `cases ${left.map(idOf).join()} to ${channels.join()} or ${otherwise}`,
  };
}

function openKey(key: HashKey, signal: Signal, resource: ResourceFacts): OpenChoice {
  switch (key.from) {
    case "service_name":
      return hashed(hashSeen(resource.attributes.get("service.name")));
    case "resource":
      return hashed(hashSeen(resource.attributes.get(key.key)));
    case "trace_id":
      return settled({ kind: "key", hashOf: traceHash(signal) }, "trace");
    case "attribute":
      return signal === "metrics"
        ? settled({ kind: "key", hashOf: dataPointHash(key.key) }, `key ${JSON.stringify(key.key)}`)
        : {
            keys: [key.key],
            bind: (slots) => ({ kind: "key", hashOf: slotHash(slotOf(key.key, slots)) }),
            signature: () => `key ${JSON.stringify(key.key)}`,
          };
    default:
      throw new Unreachable(key);
  }
}
