import { freemem, totalmem } from "node:os";
import { availableParallelism } from "node:os";
import type { Clock } from "../../core/clock.ts";
import { formatSize } from "../../core/units.ts";
import { openLoopDelay } from "../../telemetry/loop-delay.ts";
import type { Store } from "../store.ts";
import type { HealthCheck } from "./health-check.ts";

/** A share between 0 and 1 above which something is not well. */
export interface ShareLimit {
  readonly max?: number;
}

/** Of a check of the processor time that the process takes. */
export interface CpuCheckOptions extends ShareLimit {
  readonly clock: Clock;
  /** Of the process so far, in milliseconds, on all cores; default: this process. */
  readonly usedMs?: () => number;
  /** Default: as many as the process may use. */
  readonly cores?: number;
}

/** The CPU that the process took since the last round, as a share of all that it may use. */
export function cpuCheck({
  clock,
  max = 0.95,
  usedMs = processCpuMs,
  cores = availableParallelism(),
}: CpuCheckOptions): HealthCheck {
  let [atMs, wasMs] = [clock.nowMs(), usedMs()];
  return {
    name: "cpu",
    check() {
      const [nowMs, isMs] = [clock.nowMs(), usedMs()];
      const share = nowMs <= atMs ? 0 : (isMs - wasMs) / (nowMs - atMs) / cores;
      [atMs, wasMs] = [nowMs, isMs];
      return share > max ? `${percent(share)} of ${cores} cores, above ${percent(max)}` : undefined;
    },
  };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Of a check of the memory in use. */
export interface MemoryCheckOptions extends ShareLimit {
  readonly usedBytes?: () => number;
  readonly limitBytes?: number;
}

/**
 * What the process holds, of what it may: the limit of its container, else that of the machine,
 * where what others hold counts, too.
 */
export function memoryCheck({ max = 0.9, usedBytes, limitBytes }: MemoryCheckOptions = {}): HealthCheck {
  const constrained = process.constrainedMemory();
  const isConstrained = constrained > 0 && constrained < totalmem();
  const limit = limitBytes ?? (isConstrained ? constrained : totalmem());
  const used = usedBytes ?? (isConstrained ? () => process.memoryUsage.rss() : () => totalmem() - freemem());
  return {
    name: "memory",
    check() {
      const share = used() / limit;
      return share > max ? `${percent(share)} of ${formatSize(limit)}, above ${percent(max)}` : undefined;
    },
  };
}

/** Of a check of how late the event loop is. */
export interface EventLoopCheckOptions {
  readonly maxMs?: number;
  /** How late the loop was since the last round, in milliseconds; default: measured, its p99. */
  readonly delayMs?: () => number;
}

/** How late this thread comes to what it is to do. Disposed, it measures no more. */
export function eventLoopCheck({ maxMs = 500, delayMs }: EventLoopCheckOptions = {}): HealthCheck & Disposable {
  const measured = delayMs === undefined ? openLoopDelay() : undefined;
  const read = delayMs ?? ((): number => measured?.readMs() ?? 0);
  return {
    name: "event loop",
    check() {
      const late = read();
      return late > maxMs ? `${Math.round(late)} ms late, above ${maxMs} ms` : undefined;
    },
    [Symbol.dispose]: () => measured?.[Symbol.dispose](),
  };
}

/** How full queues are. */
export interface QueueFill {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
}

/** Queues that are nearly full: soon senders are refused. */
export function queueFillCheck(
  fills: () => readonly QueueFill[] | Promise<readonly QueueFill[]>,
  { max = 0.9 }: ShareLimit = {},
): HealthCheck {
  return {
    name: "queue",
    async check() {
      const full = (await fills()).filter(({ share }) => share > max).toSorted((a, b) => b.share - a.share);
      const [fullest] = full;
      if (fullest === undefined) return undefined;
      const more = full.length > 1 ? ` and ${full.length - 1} more` : "";
      return `${fullest.name}${more}: ${percent(fullest.share)} full, above ${percent(max)}`;
    },
  };
}

/** Whether the store answers, and soon enough. */
export function storeCheck(store: Store, { maxMs = 2_000 }: { readonly maxMs?: number } = {}): HealthCheck {
  return {
    name: "store",
    async check(signal) {
      const { latencyMs } = await store.check({ signal });
      return latencyMs > maxMs ? `answers after ${Math.round(latencyMs)} ms, above ${maxMs} ms` : undefined;
    },
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
