import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { settle, type TxnSender } from "../settle.ts";
import type { CallOptions, Txn, TxnOutcome } from "../store.ts";
import { CallTime } from "./call-time.ts";
import { operationFault } from "./consul-faults.ts";
import type { ConsulHttp } from "./consul-http.ts";
import type { ConsulReply } from "./consul-reply.ts";
import { isForPutAlone, putAlone } from "./put-alone.ts";
import { listPath, readKey, readKeys } from "./read-keys.ts";
import { isRevisionTold, keysToRead, operationsOf, type Tried, type TxnOperation } from "./txn-operations.ts";
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
