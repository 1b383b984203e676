import { type Clock, machineMs } from "../../core/clock.ts";

/**
 * Now, by both clocks: the monotonic one, which nobody sets and all threads share, stands still
 * while a virtual machine is suspended.
 */
export interface Moment {
  readonly machineMs: number;
  readonly wallMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { machineMs: machineMs(clock), wallMs: clock.wallMs() };
}

/** How long until then, by the clock that says less. */
export function untilMs(then: Moment, now: Moment): number {
  return Math.min(then.machineMs - now.machineMs, then.wallMs - now.wallMs);
}
