import { textOwned } from "../../../core/bytes.ts";
import type { Cancel, Clock } from "../../../core/clock.ts";
import { reasonOf } from "../../../core/errors.ts";
import { ConnectionPool } from "../../../http1/client/connection-pool.ts";
import type { ClientExchange, ExchangeFailure, ReplyHead } from "../../../http1/client/contract.ts";
import { requestHeadText } from "../../../http1/client/request-head.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { httpConnector } from "../../connect/http-connect.ts";
import type { Check, CheckOutcome } from "../check.ts";
import { addressFor, headersOf, isUnsigned } from "./check-request.ts";

/** So much of an answer is read. */
const MAX_BODY_BYTES = 65_536;

/**
 * GET of the check's path with the headers of target and check; any status of 200 to 299 passes.
 * Connections are its own. Throws TLS_INVALID for bad PEM.
 */
export function openHttpCheck(check: CheckPlan, current: () => TargetPlan, userAgent: string, clock: Clock): Check {
  const url = new URL(check.url);
  const where = { tls: current().tls, address: addressFor(check, current()), proxy: check.proxy };
  const connect = httpConnector(url, check.timeoutMs, where, clock);
  // No connection is kept: one that was closed meanwhile would say nothing of the target. Faults of
  // replies are told by the outcome, and counted where telemetry is sent.
  const pool = new ConnectionPool({ connect, clock, keptMs: 0, onFault: () => undefined });
  return {
    run(timeoutMs, done) {
      const target = current();
      const headers = { ...headersOf(check, target), "user-agent": userAgent };
      const passes = (status: number): boolean => {
        return (status >= 200 && status < 300) || isUnsigned(`HTTP ${status}`, check, target);
      };
      try {
        const parts = { method: "GET", target: check.path, host: url.host, connection: "close", headers } as const;
        const head = textOwned(`${requestHeadText(parts)}\r\n`, "latin1");
        return run(pool, head, passes, { timeoutMs, clock, done });
      } catch (cause) {
        return clock.after(0, () => done({ result: "failed", said: reasonOf(cause) }));
      }
    },
    // What hangs must not hold it up.
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

interface CheckRun {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly done: (outcome: CheckOutcome) => void;
}

function run(
  pool: ConnectionPool,
  head: Uint8Array,
  passes: StatusPasses,
  { timeoutMs, clock, done }: CheckRun,
): Cancel {
  const cancel = (): void => {
    cancelTimer();
    abandon();
  };
  const end = (outcome: CheckOutcome): void => {
    cancel();
    done(outcome);
  };
  const cancelTimer = clock.after(timeoutMs, () =>
    end({ result: "timeout", said: `no answer within ${timeoutMs} ms` }),
  );
  const abandon = pool.send(new CheckExchange(head, passes, end));
  return cancel;
}

type StatusPasses = (status: number) => boolean;

/** One GET. Of a body that is too long the status is enough. */
class CheckExchange implements ClientExchange {
  readonly request: ClientExchange["request"];
  readonly #passes: StatusPasses;
  #done: ((outcome: CheckOutcome) => void) | undefined;
  #status = 0;
  #bytes = 0;

  constructor(head: Uint8Array, passes: StatusPasses, done: (outcome: CheckOutcome) => void) {
    this.request = { head, pieces: [], owner: undefined };
    this.#passes = passes;
    this.#done = done;
  }

  began(): void {}

  head({ status }: ReplyHead): void {
    this.#status = status;
  }

  data(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BODY_BYTES) this.end();
  }

  end(): void {
    this.#tell({ result: this.#passes(this.#status) ? "passed" : "failed", said: `HTTP ${this.#status}` });
  }

  failed({ text }: ExchangeFailure): void {
    this.#tell({ result: "failed", said: text });
  }

  #tell(outcome: CheckOutcome): void {
    this.#done?.(outcome);
    this.#done = undefined;
  }
}
