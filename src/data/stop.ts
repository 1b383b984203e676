import type { Clock } from "../core/clock.ts";
import { RouterError } from "../core/errors.ts";
import type { ShutdownReport } from "../plan/data-plane.ts";
import type { Listeners } from "./receive/open-listeners.ts";
import type { OpenedParts } from "./opened-parts.ts";

/**
 * When the grace has ended, what is left is answered; the answers are waited for no longer than
 * this.
 */
const LAST_REPLIES_MS = 1_000;

/** What ends with a data plane. */
interface StoppingParts extends Pick<OpenedParts, "admission" | "pools" | "env"> {
  readonly listeners: Listeners | undefined;
  readonly owned: AsyncDisposableStack | undefined;
}

/** Lets nobody in any more, delivers what it can within the grace, and closes everything. */
export async function stopParts(parts: StoppingParts, graceMs: number): Promise<ShutdownReport> {
  const { admission, pools, env, listeners, owned } = parts;
  const { clock } = env;
  const startedMs = clock.nowMs();
  const endMs = startedMs + graceMs;
  admission.stop("the node shuts down");
  const answered = listeners?.drain(graceMs + LAST_REPLIES_MS) ?? Promise.resolve();
  const leaving = pools.drain(endMs); // at once: nothing waits for a batch to fill any more
  await within(clock, graceMs, answered);
  await leaving;
  await pools.drain(endMs); // what had been received only in part
  const held = [...pools.live.values(), ...pools.retiring];
  const leftBytes = held.reduce((sum, pool) => sum + pool.heldBytes, 0);
  const leftItems = held.reduce((sum, pool) => sum + pool.heldItems, 0);
  await pools[Symbol.asyncDispose](); // whoever still waits is told to try again, before the connections close
  env.losses[Symbol.dispose]();
  await answered;
  await owned?.disposeAsync();
  const [leak] = admission.inFlightRequests === 0 ? admission.arena.leaks : [];
  if (leak !== undefined) throw new RouterError("INTERNAL", `arena: ${leak.extents} of ${leak.owner} not given back`);
  return { drained: leftBytes === 0, tookMs: clock.nowMs() - startedMs, leftItems, leftBytes };
}

/** Resolves with the work, or after this time, whichever comes first. */
async function within(clock: Clock, timeMs: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const cancel = clock.after(timeMs, timer.resolve);
  await Promise.race([work, timer.promise]);
  cancel();
}
