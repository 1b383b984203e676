import { Pool } from "undici";
import type { Cancel, Clock } from "../../../core/clock.ts";
import { reasonOf } from "../../../core/errors.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { connectionOptions } from "../../export/http.ts";
import type { Check, CheckOutcome } from "../check.ts";

/** So much of an answer is read: enough to use the connection again. */
const MAX_BODY_BYTES = 65_536;

/** GET of the check's path with the target's headers; any status of 200 to 299 passes. Connections are its own. */
export function openHttpCheck(check: CheckPlan, current: () => TargetPlan, userAgent: string, clock: Clock): Check {
  const { origin } = new URL(check.url);
  const pool = new Pool(origin, {
    connections: 1,
    connect: connectionOptions(check.timeoutMs, current().tls),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    run: (timeoutMs, done) =>
      run(pool, { path: check.path, headers: current().headers, userAgent, timeoutMs }, clock, done),
    // What hangs must not hold it up.
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

interface Get {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly timeoutMs: number;
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

async function ask(pool: Pool, { path, headers, userAgent }: Get, signal: AbortSignal): Promise<CheckOutcome> {
  const answer = await pool.request({
    path,
    method: "GET",
    headers: { ...headers, "user-agent": userAgent },
    signal,
  });
  await answer.body.dump({ limit: MAX_BODY_BYTES, signal });
  const passed = answer.statusCode >= 200 && answer.statusCode < 300;
  return { result: passed ? "passed" : "failed", said: `HTTP ${answer.statusCode}` };
}
