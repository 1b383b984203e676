import { randomUUID } from "node:crypto";
import { joinOwned } from "../../core/bytes.ts";
import { encodeText } from "../../core/encoded-text.ts";
import { RouterError } from "../../core/errors.ts";
import type { CallOptions } from "../store.ts";
import { type ConfigBody, digits, PIECE_BYTES } from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";

/** Where the text of a large document lies: under names that nobody knows until a version does. */
export type ConfigPieces = NonNullable<ConfigBody["pieces"]>;

/** Throws as the store does: some of them may be there then. */
export async function writePieces(
  { store, keys }: ConfigPlace,
  { version, text }: { readonly version: number; readonly text: string },
  call: CallOptions,
): Promise<ConfigPieces> {
  using encoded = encodeText(text);
  const { bytes } = encoded;
  const id = `${digits(version)}-${randomUUID()}`;
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  await inGroups(count, async (i) => {
    const key = keys.piece(id, i);
    const value = bytes.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES);
    const { done } = await store.txn({ if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }] }, call);
    if (!done) throw new RouterError("INTERNAL", `${key} is there already`);
  });
  return { id, count };
}

/** Undefined: one of them is missing. Throws as the store does. */
export async function readPieces(
  { store, keys }: ConfigPlace,
  { id, count }: ConfigPieces,
  call: CallOptions,
): Promise<string | undefined> {
  const entries = await inGroups(count, (i) => store.get(keys.piece(id, i), call));
  const values = entries.flatMap((entry) => (entry === undefined ? [] : [entry.value]));
  return values.length < count ? undefined : UTF8.decode(joinOwned(values));
}

/** A mark at the begin of a text is part of it. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What comes to a store together is synced by it together: a fourth of the time of one by one. */
const AT_ONCE = 8;

/** Also where one fails, nothing is under way any more when it ends: bytes may be borrowed. */
async function inGroups<Made>(count: number, make: (index: number) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => make(from + i));
    await Promise.allSettled(group);
    made.push(...(await Promise.all(group)));
  }
  return made;
}
