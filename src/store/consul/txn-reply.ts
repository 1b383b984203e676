import { type ConsulEntry, fieldsOf, readEntry } from "./consul-entries.ts";
import { unreadable } from "./consul-faults.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { type ConsulReply, jsonOf } from "./consul-reply.ts";

/** What the operations of a transaction found or left, but for those that delete. */
export function entriesOfTxn(reply: ConsulReply): ConsulEntry[] {
  const { Results } = fieldsOf(jsonOf(reply));
  if (!Array.isArray(Results)) throw unreadable(reply, "a transaction");
  return Results.map((result: unknown) => readEntry(fieldsOf(result)["KV"], reply));
}

/** Of each operation that failed: which one, and why. */
export function errorsOf(http: ConsulHttp, reply: ConsulReply): { readonly index: number; readonly what: string }[] {
  const { Errors } = fieldsOf(jsonOf(reply));
  if (!Array.isArray(Errors) || Errors.length === 0) throw http.faultOf(reply);
  return Errors.map((error: unknown) => {
    const { OpIndex, What } = fieldsOf(error);
    return { index: Number(OpIndex), what: String(What) };
  });
}
