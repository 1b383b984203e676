import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { settle } from "../settle.ts";
import type { CallOptions, Txn, TxnOutcome } from "../store.ts";
import { isNoSpace, isUncertain, storeError } from "./fault.ts";
import { encodeTxn } from "./messages.ts";
import { TXN } from "./methods.ts";
import type { RangeReader } from "./range.ts";
import type { Rpc } from "./rpc.ts";
import { TxnPlan } from "./txn-plan.ts";

interface TxnWay {
  readonly rpc: Rpc;
  readonly reader: RangeReader;
  readonly clock: Clock;
}

/** Sends a transaction; what gets lost on the way is settled. */
export async function sendTxn(way: TxnWay, txn: Txn, options: CallOptions): Promise<TxnOutcome> {
  let noSpace: RouterError | undefined;
  const tellNoSpace = (error: RouterError): boolean => {
    const isFirst = noSpace === undefined;
    noSpace ??= error;
    return isFirst;
  };
  try {
    const sender = {
      send: (one: Txn, within: CallOptions) => sendOnce(way, one, within, tellNoSpace),
      get: (key: string, within: CallOptions) => way.reader.get(key, within),
    };
    return await settle(sender, txn, { ...options, clock: way.clock });
  } catch (cause) {
    throw cause instanceof RouterError && cause.code === "STORE_UNKNOWN" ? (noSpace ?? cause) : cause;
  }
}

/**
 * Undefined: nobody knows. That there is no room is believed the second time only: the first member
 * that says so carries the write out.
 */
async function sendOnce(
  { rpc, clock }: TxnWay,
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
