import type { Clock } from "../../core/clock.ts";
import { NEVER_MS, type QueueRecord } from "./record.ts";

/**
 * A record for what outlives its process: its times are milliseconds since 1970, since the clock
 * that it is measured by ends with the process.
 */
export interface StoredRecord extends Omit<QueueRecord, "enqueuedMs" | "expiresMs" | "notBeforeMs"> {
  readonly enqueuedAt: number;
  /** NEVER_MS when it was acknowledged. */
  readonly expiresAt: number;
  /** 0: it is ready. */
  readonly notBefore: number;
}

type Times = Pick<Clock, "nowMs" | "wallMs">;

export function toStored({ enqueuedMs, expiresMs, notBeforeMs, ...same }: QueueRecord, clock: Times): StoredRecord {
  const offsetMs = clock.wallMs() - clock.nowMs();
  return {
    ...same,
    enqueuedAt: enqueuedMs + offsetMs,
    expiresAt: expiresMs === NEVER_MS ? NEVER_MS : expiresMs + offsetMs,
    notBefore: notBeforeMs === 0 ? 0 : notBeforeMs + offsetMs,
  };
}

/**
 * Once, when it is read after a restart: from then on only this process' own clock counts. What the
 * wall clock puts into the future has come just now. Who waited for it is gone with its process.
 */
export function fromStored({ enqueuedAt, expiresAt, notBefore, ...same }: StoredRecord, clock: Times): QueueRecord {
  const offsetMs = clock.wallMs() - clock.nowMs();
  return {
    ...same,
    enqueuedMs: Math.min(clock.nowMs(), enqueuedAt - offsetMs),
    expiresMs: expiresAt === NEVER_MS ? NEVER_MS : expiresAt - offsetMs,
    notBeforeMs: notBefore === 0 ? 0 : Math.max(0, notBefore - offsetMs),
  };
}
