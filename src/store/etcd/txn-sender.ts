import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { settle } from "../settle.ts";
import type { CallOptions, Txn, TxnOutcome, Compare, Write } from "../store.ts";
import { isNoSpace, isUncertain, storeError } from "./fault.ts";
import { leaseId } from "./lease-id.ts";
import {
  encodeTxn,
  type Comparison,
  type KeyValue,
  type Operation,
  type TxnRequest,
  type TxnResponse,
} from "./messages.ts";
import { TXN } from "./methods.ts";
import { type RangeReader, entryOf } from "./range.ts";
import type { Rpc } from "./rpc.ts";

interface TxnParts {
  readonly rpc: Rpc;
  readonly reader: RangeReader;
  readonly clock: Clock;
}

/** Sends a transaction; what gets lost on the way is settled. */
export async function sendTxn(parts: TxnParts, txn: Txn, options: CallOptions): Promise<TxnOutcome> {
  let noSpace: RouterError | undefined;
  const tellNoSpace = (error: RouterError): boolean => {
    const isFirst = noSpace === undefined;
    noSpace ??= error;
    return isFirst;
  };
  try {
    const sender = {
      send: (one: Txn, within: CallOptions) => sendOnce(parts, one, within, tellNoSpace),
      get: (key: string, within: CallOptions) => parts.reader.get(key, within),
    };
    return await settle(sender, txn, { ...options, clock: parts.clock });
  } catch (cause) {
    throw cause instanceof RouterError && cause.code === "STORE_UNKNOWN" ? (noSpace ?? cause) : cause;
  }
}

/**
 * Undefined: nobody knows. That there is no room is believed the second time only: the first member
 * that says so carries the write out.
 */
async function sendOnce(
  { rpc, clock }: TxnParts,
  txn: Txn,
  { signal, deadlineMs }: CallOptions,
  tellNoSpace: (error: RouterError) => boolean,
): Promise<TxnOutcome | undefined> {
  const untilMs = deadlineMs === undefined ? undefined : clock.nowMs() + deadlineMs;
  const plan = new TxnPlan(txn);
  for (;;) {
    const left = untilMs === undefined ? {} : { deadlineMs: untilMs - clock.nowMs() };
    const answer = await rpc.call(TXN, encodeTxn(plan.request()), { signal, ...left });
    if (answer.ok) {
      const outcome = plan.outcomeOf(answer.value);
      if (outcome !== undefined) return outcome;
      continue;
    }
    const last = answer.faults.at(-1);
    const error = storeError(answer.faults);
    if (last !== undefined && (isUncertain(last) || (isNoSpace(last) && tellNoSpace(error)))) return undefined;
    throw error;
  }
}

type FoundByKey = ReadonlyMap<string, KeyValue | undefined>;

/**
 * A transaction in etcd's words. That a key belongs to no other session cannot be said there: only
 * to which one it belongs. So it is guessed to be the one that puts; where it is none, the answer
 * says so, and the transaction is sent again with that.
 */
class TxnPlan {
  readonly #txn: Txn;
  /** The lease that each key is taken to have which is put with a session. */
  readonly #leases = new Map<string, bigint>();
  /** What is read when it is not carried out. */
  readonly #reads: readonly string[];

  constructor(txn: Txn) {
    this.#txn = txn;
    const absent = new Set(txn.if.filter(({ kind }) => kind === "absent").map(({ key }) => key));
    for (const write of txn.then) {
      const lease = leaseOf(write);
      if (lease !== 0n && !absent.has(write.key)) this.#leases.set(write.key, lease);
    }
    const compared = this.#leases.size === 0 ? [] : [...txn.if.map(({ key }) => key), ...this.#leases.keys()];
    this.#reads = [...new Set([...(txn.else ?? []), ...compared])];
  }

  request(): TxnRequest {
    const leases = Array.from(this.#leases, ([key, value]): Comparison => ({ target: "lease", key, value }));
    return {
      compare: [...this.#txn.if.map(comparisonOf), ...leases],
      success: this.#txn.then.map(operationOf),
      failure: this.#reads.map((key): Operation => ({ kind: "range", range: { key: Buffer.from(key) } })),
    };
  }

  /** Undefined: it has to be sent again, as `request` is now. */
  outcomeOf({ succeeded, header, ranges }: TxnResponse): TxnOutcome | undefined {
    if (succeeded) return { done: true, revision: header.revision };
    const found = new Map(this.#reads.map((key, index) => [key, ranges[index]?.entries[0]]));
    if (this.#guessedWrongly(found)) return undefined;
    const entries = (this.#txn.else ?? []).map((key) => {
      const entry = found.get(key);
      return entry === undefined ? undefined : entryOf(entry);
    });
    return { done: false, entries };
  }

  /** Nothing but the guesses stood in the way: they are mended. */
  #guessedWrongly(found: FoundByKey): boolean {
    if (this.#leases.size === 0) return false;
    if (!this.#txn.if.every((compare) => holds(compare, found.get(compare.key)))) return false;
    const mended = new Map<string, bigint>();
    for (const write of this.#txn.then) {
      if (!this.#leases.has(write.key)) continue;
      const lease = found.get(write.key)?.lease ?? 0n;
      if (lease !== 0n && lease !== leaseOf(write)) return false;
      mended.set(write.key, lease);
    }
    for (const [key, lease] of mended) this.#leases.set(key, lease);
    return true;
  }
}

function comparisonOf(compare: Compare): Comparison {
  switch (compare.kind) {
    case "absent":
      return { target: "created", key: compare.key, value: 0n };
    case "created":
      return { target: "created", key: compare.key, value: compare.revision };
    case "modified":
      return { target: "modified", key: compare.key, value: compare.revision };
    default:
      return compare satisfies never;
  }
}

function holds(compare: Compare, entry: KeyValue | undefined): boolean {
  const { value, target } = comparisonOf(compare);
  const seen = target === "created" ? entry?.created : entry?.modified;
  return (seen ?? 0n) === value;
}

function operationOf(write: Write): Operation {
  if (write.kind === "delete") return { kind: "delete", key: write.key };
  return { kind: "put", key: write.key, value: write.value, lease: leaseOf(write) };
}

function leaseOf(write: Write): bigint {
  if (write.kind === "delete" || write.session === undefined) return 0n;
  const lease = leaseId(write.session);
  if (lease !== undefined && lease !== 0n) return lease;
  throw new RouterError("SESSION_LOST", `etcd knows no session ${write.session}`);
}
