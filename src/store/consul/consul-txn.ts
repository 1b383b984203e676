import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { settle, type TxnSender } from "../settle.ts";
import type { CallOptions, Txn, TxnOutcome, Write } from "../store.ts";
import { CallTime } from "./call-time.ts";
import { operationFault, SESSION } from "./consul-faults.ts";
import type { ConsulHttp } from "./consul-http.ts";
import { isInUrl, wireKey } from "./consul-keys.ts";
import { type ConsulReply, textOf } from "./consul-reply.ts";
import { listPath, readKey, readKeys, readKeyAndFlags } from "./read-keys.ts";
import {
  isRevisionTold,
  keysToRead,
  operationsOf,
  type Tried,
  type TxnOperation,
  type ReadBefore,
} from "./txn-operations.ts";
import { entriesOfTxn, errorsOf } from "./txn-reply.ts";

/** Carries a transaction out once, and finds out whether it was when its answer was lost. */
export function runTxn(http: ConsulHttp, random: Random, txn: Txn, options: CallOptions): Promise<TxnOutcome> {
  const { clock } = http;
  const sender: TxnSender = {
    send: (sent, limits) => sendTxn(http, random, sent, new CallTime(limits, clock)),
    get: (key, limits) => readKey(http, key, new CallTime(limits, clock)),
  };
  return settle(sender, txn, { ...options, clock });
}

/** Undefined: its outcome was lost. */
async function sendTxn(http: ConsulHttp, random: Random, txn: Txn, time: CallTime): Promise<TxnOutcome | undefined> {
  for (let tries = 1; time.leftMs > 0; tries++) {
    const read = await readKeys(http, keysToRead(txn), time);
    const nonce = nonceOf(random);
    const operations = operationsOf(txn, read, nonce);
    if (operations === undefined) return notDone(http, txn, time);
    const body = JSON.stringify(operations.map(({ wire }) => ({ KV: wire })));
    const tried = isForPutAlone(txn, body)
      ? await putAlone(http, txn, read, nonce, time)
      : await send(http, operations, body, time);
    if (tried === "not_done") return notDone(http, txn, time);
    if (tried === "unknown") return undefined;
    if (tried !== "stale")
      return { done: true, revision: isRevisionTold(txn) ? tried : await deletedAt(http, txn, time) };
    await sleep(http.clock, random.next() * Math.min(MAX_PAUSE_MS, 5 * tries), time.signal);
  }
  throw busy(txn, time);
}

const MAX_PAUSE_MS = 100;

/**
 * Written into the flags of each key, which mean nothing to Consul: it takes a key that is written
 * as it is already for not written, and its index stays.
 */
function nonceOf(random: Random): number {
  return Math.floor(random.next() * Number.MAX_SAFE_INTEGER);
}

async function send(
  http: ConsulHttp,
  operations: readonly TxnOperation[],
  body: string,
  time: CallTime,
): Promise<Tried> {
  if (operations.length === 0) return 0n;
  const reply = await http.write({ method: "PUT", path: "/v1/txn?consistent", body }, time);
  if (reply === undefined) return "unknown";
  if (reply.status === 200) return revisionOf(reply);
  if (reply.status === 409) return refusal(http, reply, operations);
  throw http.faultOf(reply);
}

/** Of the last key that was written; comparisons tell what they found, which is no later. */
function revisionOf(reply: ConsulReply): bigint {
  return entriesOfTxn(reply).reduce((last, { entry }) => (entry.modified > last ? entry.modified : last), 0n);
}

/** Consul tells of each operation that failed. */
function refusal(http: ConsulHttp, reply: ConsulReply, operations: readonly TxnOperation[]): Tried {
  let tried: Tried = "stale";
  for (const { index, what } of errorsOf(http, reply)) {
    const operation = operations[index];
    if (operation === undefined || !EXPECTED.test(what)) throw http.hide(operationFault(reply, what));
    if (operation.failure === "not_done") tried = "not_done";
  }
  return tried;
}

/** Comparisons that do not hold, and locks of others. */
const EXPECTED =
  /index is stale|failed index check|doesn't exist|exists$|already held|lock delay|isn't held, or is held by another/u;

async function notDone(http: ConsulHttp, txn: Txn, time: CallTime): Promise<TxnOutcome> {
  const keys = txn.else ?? [];
  const read = await readKeys(http, keys, time);
  return { done: false, entries: keys.map((key) => read.get(key)) };
}

/** Of a prefix it tells the index of what was deleted last; where it cannot be asked, none. */
async function deletedAt(http: ConsulHttp, { then: writes }: Txn, time: CallTime): Promise<bigint> {
  const request = { method: "GET", path: listPath(writes[0]!.key) } as const;
  const reply = await http.read(request, time).catch(() => undefined);
  time.signal.throwIfAborted();
  return reply?.index ?? 0n;
}

function busy({ then: writes, if: comparisons }: Txn, { deadlineMs }: CallTime): RouterError {
  const keys = [...writes, ...comparisons].map(({ key }) => key).join(", ");
  return new RouterError("STORE_UNREACHABLE", `consul: others kept writing ${keys} for ${deadlineMs} ms`, {
    hint: "nothing was written; try again",
  });
}

/** What Consul takes of a transaction, values in base64, unless `txn_max_req_len` says more. */
const MAX_TXN_BYTES = 524_288;

/**
 * A transaction with a value of more than 384 KiB is more than Consul takes of one. One key written
 * by itself goes another way, which takes 512 KiB.
 */
function isForPutAlone({ then: writes, if: comparisons }: Txn, body: string): boolean {
  if (body.length <= MAX_TXN_BYTES || writes.length !== 1) return false;
  const [write] = writes;
  if (write?.kind !== "put" || !isInUrl(write.key)) return false;
  // Consul does not lock and compare in one.
  if (write.session !== undefined) return comparisons.length === 0;
  return comparisons.every(({ key }) => key === write.key);
}

/** The transaction's one put, if its comparisons hold by what was read of that key. */
async function putAlone(http: ConsulHttp, txn: Txn, read: ReadBefore, nonce: number, time: CallTime): Promise<Tried> {
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
  if (said === "true") return revisionPutAlone(http, write, nonce, time);
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
async function revisionPutAlone(http: ConsulHttp, { key }: Write, nonce: number, time: CallTime): Promise<Tried> {
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
