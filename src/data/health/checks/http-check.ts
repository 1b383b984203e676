import { Pool } from "undici";
import type { Cancel, Clock } from "../../../core/clock.ts";
import { reasonOf } from "../../../core/errors.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { connector } from "../../connect/http-connect.ts";
import { passingOver } from "../../connect/interim.ts";
import type { Check, CheckOutcome } from "../check.ts";
import { addressFor, headersOf, isUnsigned } from "./check-request.ts";

/** So much of an answer is read. */
const MAX_BODY_BYTES = 65_536;

/**
 * GET of the check's path with the headers of target and check; any status of 200 to 299 passes.
 * Connections are its own.
 */
export function openHttpCheck(check: CheckPlan, current: () => TargetPlan, userAgent: string, clock: Clock): Check {
  const { origin } = new URL(check.url);
  const address = addressFor(check, current());
  const pool = new Pool(origin, {
    connections: 1,
    pipelining: 0, // no connection is kept: one that was closed meanwhile would say nothing of the target
    connect: passingOver(connector(check.timeoutMs, { ...current(), address, proxy: check.proxy }, clock)),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    run(timeoutMs, done) {
      const target = current();
      const passes = (status: number): boolean => {
        return (status >= 200 && status < 300) || isUnsigned(`HTTP ${status}`, check, target);
      };
      const get = { path: check.path, headers: headersOf(check, target), userAgent, timeoutMs, passes };
      return run(pool, get, clock, done);
    },
    // What hangs must not hold it up.
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

interface Get {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly passes: (status: number) => boolean;
}

function run(pool: Pool, get: Get, clock: Clock, done: (outcome: CheckOutcome) => void): Cancel {
  const abort = new AbortController();
  let ended = false;
  const end = (outcome: CheckOutcome | undefined): void => {
    if (ended) return;
    ended = true;
    cancelTimer();
    abort.abort();
    if (outcome !== undefined) done(outcome);
  };
  const cancelTimer = clock.after(get.timeoutMs, () =>
    end({ result: "timeout", said: `no answer within ${get.timeoutMs} ms` }),
  );
  ask(pool, get, abort.signal).then(end, (error: unknown) => end({ result: "failed", said: reasonOf(error) }));
  return () => end(undefined);
}

async function ask(pool: Pool, { path, headers, userAgent, passes }: Get, signal: AbortSignal): Promise<CheckOutcome> {
  const answer = await pool.request({
    path,
    method: "GET",
    headers: { ...headers, "user-agent": userAgent },
    signal,
  });
  await answer.body.dump({ limit: MAX_BODY_BYTES, signal });
  return { result: passes(answer.statusCode) ? "passed" : "failed", said: `HTTP ${answer.statusCode}` };
}
