import { reasonOf } from "../core/errors.ts";
import type { RunningNode } from "./start.ts";

/** What `runNode` needs of the process. */
export interface ProcessEvents {
  on(event: string, listener: (cause: unknown) => void): unknown;
  off(event: string, listener: (cause: unknown) => void): unknown;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Every stop ends so long after the grace, whatever hangs: in all less than 5 s. */
const LAST_MS = 4_000;

/**
 * Lives until SIGTERM or SIGINT, stops the node in order and gives the exit code. A second signal ends the process at once
 * with 1. SIGHUP reads the config again. A fault that nobody caught is logged and ends the process with 1: its state is
 * not known any more.
 */
export async function runNode(node: RunningNode, events: ProcessEvents): Promise<0 | 1> {
  const { log } = node.env;
  const stopping = Promise.withResolvers<string>();
  let signals = 0;
  const onStop = (signal: unknown): void => {
    if (++signals === 1) return stopping.resolve(String(signal));
    log.warn("second signal: ends at once", { signal });
    events.exit(1);
  };
  const onHangup = (): void => void node.reload();
  const onFault = (cause: unknown): void => {
    log.error("fault that nobody caught: ends at once", { reason: reasonOf(cause), error: cause });
    events.exit(1);
  };
  const listeners: readonly (readonly [string, (cause: unknown) => void])[] = [
    ["SIGTERM", onStop],
    ["SIGINT", onStop],
    ["SIGHUP", onHangup],
    ["uncaughtException", onFault],
    ["unhandledRejection", onFault],
  ];
  for (const [event, listener] of listeners) events.on(event, listener);
  try {
    return await stopOn(await stopping.promise, node, events);
  } finally {
    for (const [event, listener] of listeners) events.off(event, listener);
  }
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
