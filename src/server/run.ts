import type { Cancel, Clock } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { RunningNode } from "./running-node.ts";

/** What `runNode` needs of the process. */
export interface ProcessEvents {
  on(event: string, listener: (cause: unknown) => void): unknown;
  off(event: string, listener: (cause: unknown) => void): unknown;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Every stop ends so long after the grace, whatever hangs: in all less than 5 s. */
const LAST_MS = 4_000;

interface SignalsEnv {
  readonly log: Log;
  readonly clock: Clock;
  /** Of the config that the node is started with. */
  readonly graceMs: number;
}

/**
 * Listens for signals before a node starts, so that a stop which comes meanwhile is one in order as
 * soon as the node runs; where the start itself hangs, the process ends with 1 as late as any stop.
 * A second signal ends the process at once with 1. A fault that nobody caught is logged and ends
 * the process with 1: its state is not known any more.
 */
export class ProcessSignals implements Disposable {
  readonly events: ProcessEvents;
  readonly #env: SignalsEnv;
  readonly #stopping = Promise.withResolvers<string>();
  readonly #listeners: readonly (readonly [string, (cause: unknown) => void])[] = [
    ["SIGTERM", (signal) => this.#onStop(signal)],
    ["SIGINT", (signal) => this.#onStop(signal)],
    ["SIGHUP", () => this.#onHangup?.()], // before the start the config is read anyway
    ["uncaughtException", (cause) => this.#onFault(cause)],
    ["unhandledRejection", (cause) => this.#onFault(cause)],
  ];
  #signals = 0;
  #onHangup: (() => void) | undefined;
  #cancel: Cancel | undefined;

  constructor(events: ProcessEvents, env: SignalsEnv) {
    this.events = events;
    this.#env = env;
    for (const [event, listener] of this.#listeners) events.on(event, listener);
  }

  /** The signal that asked for the stop. */
  get stop(): Promise<string> {
    return this.#stopping.promise;
  }

  /** There is a node: SIGHUP is for it, and a stop is its own to bound. */
  started(onHangup: () => void): void {
    this.#cancel?.();
    this.#onHangup = onHangup;
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    for (const [event, listener] of this.#listeners) this.events.off(event, listener);
  }

  #onStop(signal: unknown): void {
    const { clock, graceMs, log } = this.#env;
    if (++this.#signals === 1) {
      if (this.#onHangup === undefined) this.#cancel = clock.after(graceMs + LAST_MS, () => this.#onHanging());
      return this.#stopping.resolve(String(signal));
    }
    log.warn("second signal: ends at once", { signal });
    this.events.exit(1);
  }

  #onHanging(): void {
    this.#env.log.error("signalbox did not start in time to stop: something hangs, the process ends all the same");
    this.events.exit(1);
  }

  #onFault(cause: unknown): void {
    this.#env.log.error("fault that nobody caught: ends at once", { reason: reasonOf(cause), error: cause });
    this.events.exit(1);
  }
}

/**
 * Lives until SIGTERM or SIGINT, stops the node in order and gives the exit code. SIGHUP reads the
 * config again.
 */
export async function runNode(node: RunningNode, signals: ProcessSignals): Promise<0 | 1> {
  signals.started(() => void node.reload());
  return stopOn(await signals.stop, node, signals.events);
}

async function stopOn(signal: string, node: RunningNode, events: ProcessEvents): Promise<0 | 1> {
  const { log } = node.env;
  log.info("signalbox stops: no longer ready, draining", { signal });
  const { shutdown_grace: graceMs } = node.walk.status.running.node;
  const late = Promise.withResolvers<undefined>();
  const cancel = node.env.clock.after(graceMs + LAST_MS, () => late.resolve(undefined));
  const report = await Promise.race([node.stop(), late.promise]);
  cancel();
  if (report === undefined) {
    log.error("signalbox did not stop in time: something hangs, the process ends all the same", { grace_ms: graceMs });
    events.exit(1);
    return 1;
  }
  const { drained, tookMs, leftItems, leftBytes } = report;
  const told = { drained, took_ms: Math.round(tookMs), left_items: leftItems, left_bytes: leftBytes };
  if (drained) log.info("signalbox stopped", told);
  else log.error("signalbox stopped before its queues were empty", told);
  return 0;
}
