import { z } from "zod";
import { readJson } from "../../store/recipes/json-value.ts";
import { checkedPart, checkedPrefix } from "../../store/recipes/keys.ts";
import type { Entry } from "../../store/store.ts";

/**
 * What stands at `<prefix>/transfers/<election>`: somebody asks whoever leads there to give it to
 * another. The leader alone can do so in order.
 */
const TransferRequestSchema = z.object({
  schema: z.int().min(1).default(1),
  /** The revision at which that leader came to lead: no other heeds it. */
  epoch: z.string().max(32),
  /** The id of a candidate; absent: whoever comes next. */
  to: z.string().max(256).optional(),
  by: z.string().max(256).default(""),
  at: z.string().max(64).default(""),
  /** Why the leader has not done so: nothing was changed. */
  refused: z.enum(["no_candidate", "not_in_time"]).optional(),
});
export type TransferRequest = z.output<typeof TransferRequestSchema>;

export function transfersPrefix(prefix: string): string {
  return `${checkedPrefix(prefix)}/transfers/`;
}

/** Fails with `STORE_REFUSED` for what cannot be the name of an election. */
export function transferKey(prefix: string, election: string): string {
  return transfersPrefix(prefix) + checkedPart(election, "an election's name");
}

/** Undefined for what no program of Signalbox has written there. */
export function decodeTransfer(entry: Entry): TransferRequest | undefined {
  const read = readJson(entry.value, TransferRequestSchema);
  return read.ok ? read.value : undefined;
}
