import { RouterError } from "../../core/errors.ts";
import type { Txn, Write } from "../store.ts";
import type { CallTime } from "./call-time.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { isInUrl, wireKey } from "./consul-keys.ts";
import { operationFault, SESSION } from "./consul-faults.ts";
import { textOf } from "./consul-reply.ts";
import { readKeyAndFlags } from "./read-keys.ts";
import type { ReadBefore, Tried } from "./txn-operations.ts";

/** What Consul takes of a transaction, values in base64, unless `txn_max_req_len` says more. */
const MAX_TXN_BYTES = 524_288;

/**
 * A transaction with a value of more than 384 KiB is more than Consul takes of one. One key written
 * by itself goes another way, which takes 512 KiB.
 */
export function isForPutAlone({ then: writes, if: comparisons }: Txn, body: string): boolean {
  if (body.length <= MAX_TXN_BYTES || writes.length !== 1) return false;
  const [write] = writes;
  if (write?.kind !== "put" || !isInUrl(write.key)) return false;
  // Consul does not lock and compare in one.
  if (write.session !== undefined) return comparisons.length === 0;
  return comparisons.every(({ key }) => key === write.key);
}

/** The transaction's one put, if its comparisons hold by what was read of that key. */
export async function putAlone(
  http: ConsulHttp,
  txn: Txn,
  read: ReadBefore,
  nonce: number,
  time: CallTime,
): Promise<Tried> {
  const [write] = txn.then;
  if (write?.kind !== "put") return "not_done";
  const how = howToPut(txn, write, read);
  if (how === undefined) return "not_done";
  const path = `/v1/kv/${wireKey(write.key)}?${how}&flags=${nonce}`;
  const reply = await http.write({ method: "PUT", path, body: write.value }, time);
  if (reply === undefined) return "unknown";
  const said = textOf(reply);
  if (reply.status !== 200 && SESSION.test(said)) throw http.hide(operationFault(reply, said));
  if (reply.status !== 200) throw http.faultOf(reply);
  if (said === "true") return revisionOf(http, write, nonce, time);
  // Another holds it; or it is there, where it was to be absent; else it has changed since.
  const isFinal = write.session !== undefined || txn.if.some(({ kind }) => kind === "absent");
  return isFinal ? "not_done" : "stale";
}

/** Undefined when a comparison does not hold. */
function howToPut(
  { if: comparisons }: Txn,
  write: Extract<Write, { kind: "put" }>,
  read: ReadBefore,
): string | undefined {
  if (write.session !== undefined) return `acquire=${encodeURIComponent(write.session)}`;
  const entry = read.get(write.key);
  for (const compare of comparisons) {
    if (compare.kind === "absent" && entry !== undefined) return undefined;
    if (compare.kind === "modified" && entry?.modified !== compare.revision) return undefined;
  }
  if (entry?.session === undefined) return `cas=${entry?.modified ?? 0n}`;
  if (comparisons.length === 0) return `release=${entry.session}`;
  throw new RouterError("STORE_REFUSED", `consul: ${write.key} is held, and ${write.value.length} bytes are too many`, {
    hint: "txn_max_req_len in limits of the Consul agents says how much a transaction may have",
  });
}

/** Consul does not say it of a key that was written by itself. */
async function revisionOf(http: ConsulHttp, { key }: Write, nonce: number, time: CallTime): Promise<Tried> {
  const there = await readKeyAndFlags(http, key, time).catch((cause: unknown) => {
    if (cause instanceof RouterError && cause.code === "STORE_UNREACHABLE") return "unknown" as const;
    throw cause;
  });
  if (there === "unknown") return there;
  if (there?.flags === nonce) return there.entry.modified;
  throw new RouterError("STORE_UNKNOWN", `consul: ${key} was written, and by another right after`, {
    hint: "read before writing again",
  });
}
