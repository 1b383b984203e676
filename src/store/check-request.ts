import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { RouterError } from "../core/errors.ts";
import { type CallOptions, MAX_TXN_BYTES, MAX_TXN_OPERATIONS, MAX_VALUE_BYTES, type Txn } from "./store.ts";

/** Adapters check what they are asked for with these, so that all three refuse the same. */

export const MAX_KEY_BYTES = 512;

const KEY = /^\/[A-Za-z0-9._/-]*$/u;
const KEY_HINT = `keys are of A-Z a-z 0-9 . _ / -, begin with / and end with none, at most ${MAX_KEY_BYTES} bytes`;

/** Throws `STORE_REFUSED`. */
export function checkKey(key: string): void {
  if (KEY.test(key) && !key.endsWith("/") && key.length <= MAX_KEY_BYTES) return;
  throw new RouterError("STORE_REFUSED", `${brief(key)} is no key`, { hint: KEY_HINT });
}

/** Of a list or a watch: as a key, but may end with `/`. Throws `STORE_REFUSED`. */
export function checkPrefix(prefix: string): void {
  if (KEY.test(prefix) && prefix.length <= MAX_KEY_BYTES) return;
  throw new RouterError("STORE_REFUSED", `${brief(prefix)} is no prefix of keys`, { hint: KEY_HINT });
}

/** Throws `STORE_REFUSED`. */
export function checkTxn(txn: Txn): void {
  checkOperations(txn);
  const written = new Set<string>();
  let bytes = 0;
  for (const write of txn.then) {
    checkKey(write.key);
    if (written.has(write.key)) {
      throw new RouterError("STORE_REFUSED", `${write.key} is written twice in one transaction`, {
        hint: "write a key once: what comes last is all that would stay",
      });
    }
    written.add(write.key);
    if (write.kind !== "put") continue;
    checkValue(write.key, write.value);
    bytes += write.value.length;
  }
  checkSize(bytes);
  for (const { key } of txn.if) checkKey(key);
  for (const key of txn.else ?? []) checkKey(key);
}

function checkOperations({ if: comparisons, then: writes, else: reads = [] }: Txn): void {
  const operations = comparisons.length + writes.length;
  if (operations <= MAX_TXN_OPERATIONS && reads.length <= MAX_TXN_OPERATIONS) return;
  const what =
    operations > MAX_TXN_OPERATIONS ? `${operations} comparisons and writes` : `${reads.length} keys to read`;
  throw new RouterError("STORE_REFUSED", `a transaction of ${what}: at most ${MAX_TXN_OPERATIONS}`, {
    hint: "divide it, and compare a key of its own in each part",
  });
}

function checkValue(key: string, value: Uint8Array): void {
  if (value.length <= MAX_VALUE_BYTES) return;
  throw new RouterError("STORE_REFUSED", `the value of ${key} is ${value.length} bytes: at most ${MAX_VALUE_BYTES}`, {
    hint: "divide it over several keys, or keep it elsewhere and its place here",
  });
}

function checkSize(bytes: number): void {
  if (bytes <= MAX_TXN_BYTES) return;
  throw new RouterError("STORE_REFUSED", `a transaction of ${bytes} bytes: at most ${MAX_TXN_BYTES}`, {
    hint: "write the large values first, in transactions of their own, and then what names them",
  });
}

function brief(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}...` : key);
}

export function inTimers<T extends CallOptions>(options: T): T {
  const { deadlineMs } = options;
  return deadlineMs === undefined || deadlineMs <= LONGEST_TIMER_MS
    ? options
    : { ...options, deadlineMs: LONGEST_TIMER_MS };
}
