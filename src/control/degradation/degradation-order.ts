import { z } from "zod";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { readJson, writeJson } from "../../store/recipes/json-value.ts";
import { checkedPrefix } from "../../store/recipes/keys.ts";
import type { CallOptions } from "../../store/store.ts";

/** What people want of the whole fleet, until its time is over. */
const DegradationOrderSchema = z.object({
  schema: z.int().min(1).default(1),
  degraded: z.boolean(),
  /** Milliseconds since 1970. */
  until_ms: z.number().min(0),
  note: z.string().max(1_000).default(""),
  by: z.string().max(256).default(""),
});
type DegradationOrder = z.output<typeof DegradationOrderSchema>;

function degradationOrderKey(prefix: string): string {
  return `${checkedPrefix(prefix)}/degradation/order`;
}

/** Undefined: nothing is ordered, or what is there cannot be read. Throws as the store does. */
export async function readDegradationOrder(
  { store, prefix }: Pick<RecipePlace, "prefix" | "store">,
  options: CallOptions,
): Promise<DegradationOrder | undefined> {
  const entry = await store.get(degradationOrderKey(prefix), options);
  const read = entry && readJson(entry.value, DegradationOrderSchema);
  return read?.ok === true ? read.value : undefined;
}

/** Writes it to the store of a fleet. */
export type WriteDegradationOrder = (order: DegradationOrder | undefined, options: CallOptions) => Promise<void>;

/** Whoever leads the fleet obeys it from its next step on; undefined ends what was ordered. */
export async function writeDegradationOrder(
  { store, prefix }: Pick<RecipePlace, "prefix" | "store">,
  order: DegradationOrder | undefined,
  options: CallOptions,
): Promise<void> {
  const key = degradationOrderKey(prefix);
  const step =
    order === undefined ? ({ kind: "delete", key } as const) : ({ kind: "put", key, value: writeJson(order) } as const);
  await store.txn({ if: [], then: [step] }, options);
}
