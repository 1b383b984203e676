import type { Entry, ListOptions, Listing } from "../store.ts";
import type { CallTime } from "./call-time.ts";
import { type ConsulEntry, readEntries } from "./consul-entries.ts";
import { filtered, operationFault, unreadable } from "./consul-faults.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { isInUrl, urlPrefix, wireKey } from "./consul-keys.ts";
import type { ConsulReply } from "./consul-reply.ts";
import { entriesOfTxn, errorsOf } from "./txn-reply.ts";

export async function readKey(http: ConsulHttp, key: string, time: CallTime): Promise<Entry | undefined> {
  if (!isInUrl(key)) return (await readTogether(http, [key], time)).get(key);
  return (await readKeyAndFlags(http, key, time))?.entry;
}

/** Of the leader, once it has made sure that it is. */
export async function readKeyAndFlags(http: ConsulHttp, key: string, time: CallTime): Promise<ConsulEntry | undefined> {
  const reply = await http.read({ method: "GET", path: `/v1/kv/${wireKey(key)}?consistent` }, time);
  return entriesOf(http, reply)[0];
}

/** Several keys, as they stood together. */
export async function readKeys(
  http: ConsulHttp,
  keys: readonly string[],
  time: CallTime,
): Promise<ReadonlyMap<string, Entry | undefined>> {
  const unique = [...new Set(keys)];
  const [key] = unique;
  if (unique.length > 1 || key === undefined) return readTogether(http, unique, time);
  return new Map([[key, await readKey(http, key, time)]]);
}

async function readTogether(
  http: ConsulHttp,
  keys: readonly string[],
  time: CallTime,
): Promise<Map<string, Entry | undefined>> {
  const read = new Map<string, Entry | undefined>(keys.map((key) => [key, undefined]));
  let there = keys;
  // A transaction that reads what is not there fails, and says what is not.
  while (there.length > 0) {
    const body = JSON.stringify(there.map((key) => ({ KV: { Verb: "get", Key: wireKey(key) } })));
    const reply = await http.read({ method: "PUT", path: "/v1/txn?consistent", body }, time);
    if (reply.status === 200) {
      for (const { entry } of entriesOfTxn(reply)) read.set(entry.key, entry);
      break;
    }
    if (reply.status !== 409) throw http.faultOf(reply);
    const missing = new Set(
      errorsOf(http, reply).map(({ what, index }) => missingKey(http, reply, what, there[index])),
    );
    there = there.filter((key) => !missing.has(key));
  }
  return read;
}

function missingKey(http: ConsulHttp, reply: ConsulReply, what: string, key: string | undefined): string {
  if (key !== undefined && what.endsWith("doesn't exist")) return key;
  throw http.hide(operationFault(reply, what));
}

/** Consul has no pages: all of it is read, and what was asked for kept. */
export async function readList(
  http: ConsulHttp,
  prefix: string,
  time: CallTime,
  { limit = Number.POSITIVE_INFINITY, after = "" }: Pick<ListOptions, "limit" | "after">,
): Promise<Listing> {
  const reply = await http.read({ method: "GET", path: listPath(prefix) }, time);
  const { entries: all, revision } = await listingOf(http, prefix, reply, time);
  // Keys are ASCII: the order of their texts is that of their bytes.
  const wanted = after === "" ? all : all.filter(({ key }) => key > after);
  return { entries: wanted.slice(0, limit), revision, hasMore: wanted.length > limit };
}

/** At which index all of a prefix stands, without reading it. */
export async function readIndex(
  http: ConsulHttp,
  prefix: string,
  time: CallTime,
): Promise<{ readonly revision: bigint; readonly hasKeys: boolean }> {
  const path = `/v1/kv/${wireKey(urlPrefix(prefix))}?keys&separator=/&consistent`;
  const reply = await http.read({ method: "GET", path }, time);
  if (reply.status !== 200 && reply.status !== 404) throw http.faultOf(reply);
  if (reply.index === undefined) throw unreadable(reply, "keys");
  return { revision: reply.index, hasKeys: reply.status === 200 };
}

export function listPath(prefix: string): string {
  return `/v1/kv/${wireKey(urlPrefix(prefix))}?recurse&consistent`;
}

/**
 * Consul leaves out what the token may not read, and only newer servers say so: where nothing is
 * left a key with that prefix is asked for, which is refused without the right to.
 */
export async function listingOf(
  http: ConsulHttp,
  prefix: string,
  reply: ConsulReply,
  time: CallTime,
): Promise<{ readonly entries: readonly Entry[]; readonly revision: bigint }> {
  const entries = entriesOf(http, reply).flatMap(({ entry }) => (entry.key.startsWith(prefix) ? [entry] : []));
  if (reply.isFiltered) throw filtered(reply.endpoint, prefix);
  if (entries.length === 0) await readKey(http, `${prefix}${prefix.endsWith("/") ? "" : "/"}any`, time);
  if (reply.index === undefined) throw unreadable(reply, "keys");
  return { entries, revision: reply.index };
}

function entriesOf(http: ConsulHttp, reply: ConsulReply): ConsulEntry[] {
  if (reply.status !== 200 && reply.status !== 404) throw http.faultOf(reply);
  // A server that is no Consul says 404, too.
  if (reply.status === 404 && reply.index === undefined) throw unreadable(reply, "keys");
  return readEntries(reply);
}
