import type { Entry } from "../store.ts";
import { ownKey } from "./consul-keys.ts";
import { type ConsulReply, jsonOf } from "./consul-reply.ts";
import { unreadable } from "./consul-faults.ts";

/** An entry, and the number that was written with it. */
export interface ConsulEntry {
  readonly entry: Entry;
  readonly flags: number;
}

/** The entries of a reply, in the order of the bytes of their keys. */
export function readEntries(reply: ConsulReply): ConsulEntry[] {
  if (reply.status === 404) return [];
  const pairs = jsonOf(reply);
  if (!Array.isArray(pairs)) throw unreadable(reply, "keys");
  return pairs.map((pair: unknown) => readEntry(pair, reply));
}

export function readEntry(pair: unknown, reply: ConsulReply): ConsulEntry {
  const { Key, Value, Flags, CreateIndex, ModifyIndex, Session } = fieldsOf(pair);
  if (typeof Key !== "string" || typeof CreateIndex !== "number" || typeof ModifyIndex !== "number") {
    throw unreadable(reply, "keys");
  }
  const entry = {
    key: ownKey(Key),
    value: typeof Value === "string" ? Buffer.from(Value, "base64") : Buffer.alloc(0),
    created: BigInt(CreateIndex),
    modified: BigInt(ModifyIndex),
    session: typeof Session === "string" && Session !== "" ? Session : undefined,
  };
  return { entry, flags: typeof Flags === "number" ? Flags : 0 };
}

/** None of what is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}; // oxlint-disable-line typescript/no-unsafe-type-assertion -- an object has fields
}
