import type { ChildProcess } from "node:child_process";
import type { FromWorker, UseReport, WorkerStart } from "./messages.ts";
import type { WorkerNews } from "./node-health.ts";
import type { PoolPanic } from "./pool-panics.ts";
import type { WorkerExit, WorkerLink } from "./worker-link.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** What the supervisor of workers asks, and whom it tells. */
export interface SupervisorOptions {
  readonly count: number;
  /**
   * Gives the process of a worker, in which nothing has happened yet. Throws where the system makes
   * no process, unless it says so later.
   */
  readonly fork: () => ChildProcess;
  /** What a worker starts with, as it is now. */
  readonly startOf: (slot: WorkerSlot) => WorkerStart;
  /** Counts up with whatever `startOf` depends on. */
  readonly revision: () => number;
  /** Brings a worker up to what is so by now, although it was started with something else. */
  readonly update: (slot: WorkerSlot, link: WorkerLink) => Promise<void>;
  /** Told of what a worker does with the limits of the node. */
  readonly used: (slot: WorkerSlot, message: UseReport) => void;
  /** What it would let in of the limits of the config. */
  readonly limits: (slot: WorkerSlot, message: Extract<FromWorker, { readonly kind: "limits" }>) => void;
  /** What its calls told of targets. */
  readonly news: (slot: WorkerSlot, news: WorkerNews) => void;
  /** Which of its pools panic. */
  readonly panics: (slot: WorkerSlot, panics: readonly PoolPanic[]) => void;
  /** It has begun, and is about to get connections; then it gets them. */
  readonly begun: (slot: WorkerSlot) => void;
  readonly joined: () => void;
  /** Told of each end of a worker that ran or was about to. */
  readonly ended: (slot: WorkerSlot) => void;
  /** Told of each end that was not asked for. */
  readonly died: (slot: WorkerSlot, exit: WorkerExit) => void;
}
