import { systemClock } from "../src/core/clock.ts";
import type { Cancel } from "../src/core/clock.ts";
import { LoadBuffers } from "./load-buffers.ts";
import { openConnection } from "./load-connection.ts";
import type { LoadConnection } from "./load-connection.ts";
import { LoadCounter } from "./load-counter.ts";
import { answerParent, argumentsOf, tellParent } from "./messages.ts";
import type { LoadArguments, LoadReport, LoadRequest } from "./messages.ts";

/**
 * The load process. Closed loop: as many calls are always under way as there are streams. Open
 * loop: calls are due at fixed times, whether earlier ones were answered or not, and latency counts
 * from when they were due.
 */
const options = argumentsOf<LoadArguments>();
const clock = systemClock;

/** Calls of an open loop fall due together once in a tick: timers are not finer. */
const TICK_MS = 1;
const LATE_MS = 10;
const REOPEN_MS = 50;
/** How long `rest` and `stop` wait for answers. */
const DRAIN_MS = 10_000;

const buffers = new LoadBuffers(options);
const connections: LoadConnection[] = Array.from({ length: options.connections }, () => openConnection(options));
const total = new LoadCounter(clock.nowMs());
let window = new LoadCounter(clock.nowMs());
let running = false;
let requestsPerSecond = options.requestsPerSecond;
let underWay = 0;
let nextConnection = 0;
let firstMs = 0;
let issued = 0;
/** Whether a call that was due had to wait for a free stream in the last tick. */
let waited = false;
let idle: (() => void) | undefined;
let cancelTick: Cancel = () => undefined;

await Promise.all(connections.map((connection) => connection.opened));
answerParent(answer);
tellParent({ kind: "ready", requestBytes: buffers.requestBytes });

async function answer(request: LoadRequest): Promise<LoadReport> {
  switch (request.kind) {
    case "start":
      start(request.requestsPerSecond);
      return { kind: "started" };
    case "mark": {
      const counts = window.counts(clock.nowMs(), underWay);
      window = new LoadCounter(clock.nowMs());
      return { kind: "marked", counts };
    }
    case "rest":
      await rest();
      return { kind: "rested", unanswered: underWay, open: connections.filter(({ usable }) => usable).length };
    case "stop":
      await rest();
      for (const connection of connections) connection.destroy();
      return { kind: "stopped", counts: total.counts(clock.nowMs(), underWay) };
    default:
      throw new Error("a message that the load process does not know");
  }
}

function start(rate = options.requestsPerSecond): void {
  running = true;
  requestsPerSecond = rate;
  firstMs = clock.nowMs();
  issued = 0;
  waited = false;
  window = new LoadCounter(firstMs);
  if (requestsPerSecond > 0) tick();
  else fill();
}

async function rest(): Promise<void> {
  running = false;
  cancelTick();
  if (underWay > 0) {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(DRAIN_MS, resolve);
      idle = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** Closed loop: calls on every connection until it can take no more. */
function fill(): void {
  if (!running) return;
  for (const connection of connections) {
    while (connection.usable && send(connection, clock.nowMs()));
    if (connection.closed) void reopen(connection);
  }
}

/** Open loop: sends what has fallen due; what finds no connection stays due. */
function tick(): void {
  if (!running) return;
  const nowMs = clock.nowMs();
  const dueCount = Math.floor(((nowMs - firstMs) * requestsPerSecond) / 1_000);
  const fromDue = waited || options.latencyFrom === "due";
  while (issued < dueCount) {
    const connection = usableConnection();
    if (connection === undefined) break;
    const dueMs = firstMs + Math.ceil((issued + 1) * (1_000 / requestsPerSecond));
    if (!send(connection, fromDue ? Math.min(dueMs, nowMs) : clock.nowMs())) break;
    issued++;
  }
  waited = issued < dueCount;
  cancelTick = clock.after(TICK_MS, tick);
}

function usableConnection(): LoadConnection | undefined {
  for (let i = 0; i < connections.length; i++) {
    const connection = connections[(nextConnection + i) % connections.length]!;
    if (connection.closed) void reopen(connection);
    if (!connection.usable) continue;
    nextConnection = (nextConnection + i + 1) % connections.length;
    return connection;
  }
  return undefined;
}

function send(connection: LoadConnection, dueMs: number): boolean {
  const buffer = buffers.take();
  if (buffer === undefined) return false;
  const late = clock.nowMs() - dueMs > LATE_MS;
  underWay++;
  total.sent(buffer.items, late);
  window.sent(buffer.items, late);
  connection.call(buffer.bytes, (outcome, reusable) => {
    underWay--;
    const latencyMs = clock.nowMs() - dueMs;
    total.ended(outcome, buffer.items, latencyMs);
    window.ended(outcome, buffer.items, latencyMs);
    buffers.giveBack(buffer, reusable);
    if (underWay === 0) idle?.();
    if (connection.closed) void reopen(connection);
    else if (requestsPerSecond === 0 && running && connection.usable) send(connection, clock.nowMs());
  });
  return true;
}

/**
 * Replaces a lost connection, after a pause, so that a system that is down is not flooded with
 * attempts.
 */
async function reopen(lost: LoadConnection): Promise<void> {
  const at = connections.indexOf(lost);
  if (at < 0 || !running) return;
  if (lost.lost) {
    total.lost();
    window.lost();
  }
  const next = openConnection(options);
  connections[at] = next;
  try {
    await next.opened;
    if (requestsPerSecond === 0) fill();
  } catch {
    clock.after(REOPEN_MS, () => void reopen(next));
  }
}
