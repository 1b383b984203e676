import { systemClock } from "../src/core/clock.ts";

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.after(ms, resolve));
}
