import { LatencyHistogram } from "../latency.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Cancel } from "../../src/core/clock.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { BASE, serviceNames } from "../case.ts";
import { items } from "../cases.ts";
import { LoadBuffers } from "../load-buffers.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import { pause } from "../pause.ts";
import { GrpcConnection } from "../wire/grpc-client.ts";
import type { HoldArguments, HoldCounts, HoldReport, HoldRequest } from "./messages.ts";

/**
 * Opens many connections at a bounded rate and keeps them, each with a small request now and then.
 */
const options = argumentsOf<HoldArguments>();
const TICK_MS = 5;
/** Being opened at the same time: less than what a listener's backlog holds. */
const MAX_OPENING = 256;

const buffers = new LoadBuffers({
  ...BASE,
  ...items(10),
  port: options.port,
  tls: options.tls,
  requestsPerSecond: 0,
  latencyFrom: "due",
  services: serviceNames(BASE.services),
  gzip: false,
  source: 1,
  connections: 64,
  streams: 64,
});
const open: GrpcConnection[] = [];
const latency = new LatencyHistogram();
let acknowledged = 0;
let acknowledgedItems = 0;
let refused = 0;
let failed = 0;
let cancelTick: Cancel = () => undefined;

answerParent(answer);
tellParent({ kind: "ready" } satisfies HoldReport);

async function answer(request: HoldRequest): Promise<HoldReport> {
  switch (request.kind) {
    case "open": {
      const fromMs = systemClock.nowMs();
      await openAll(fromMs);
      sendOn(systemClock.nowMs(), 0);
      return { kind: "opened", opened: open.length, failed, tookMs: systemClock.nowMs() - fromMs };
    }
    case "counts":
      return { kind: "counts", ...counts() };
    case "stop":
      cancelTick();
      await pause(500); // what is under way is answered
      return { kind: "counts", ...counts() };
    default:
      throw new Error("a message that the holding process does not know");
  }
}

function counts(): HoldCounts {
  const stillOpen = open.filter((connection) => !connection.closed).length;
  return { open: stillOpen, acknowledged, acknowledgedItems, refused, latency: latency.summary() };
}

async function openAll(fromMs: number): Promise<void> {
  for (let begun = 0; open.length + failed < options.connections; await pause(TICK_MS)) {
    const due = Math.ceil(((systemClock.nowMs() - fromMs) * options.openPerSecond) / 1_000);
    while (begun < Math.min(due, options.connections) && begun - open.length - failed < MAX_OPENING) {
      begun++;
      openOne();
    }
  }
}

function openOne(): void {
  const { port, tls } = options;
  const { grpcPath: path } = SIGNAL_FACTS.traces;
  const connection = new GrpcConnection({ host: "127.0.0.1", port, path, encoding: "identity", tls });
  connection.opened.then(
    () => begin(connection),
    () => failed++,
  );
}

function begin(connection: GrpcConnection): void {
  open.push(connection);
  send(connection);
}

/** One connection after the other, so that each has its turn once in `everyMs`. */
function sendOn(fromMs: number, sentBefore: number): void {
  let sent = sentBefore;
  const due = ((systemClock.nowMs() - fromMs) * open.length) / options.everyMs;
  for (; sent < due; sent++) send(open[sent % open.length]!);
  cancelTick = systemClock.after(TICK_MS, () => sendOn(fromMs, sent));
}

function send(connection: GrpcConnection): void {
  if (!connection.usable) return;
  const buffer = buffers.take();
  if (buffer === undefined) return;
  const sentMs = systemClock.nowMs();
  connection.call(buffer.bytes, false, (status, _bytes, written) => {
    buffers.giveBack(buffer, written);
    if (status !== 0) {
      refused++;
      return;
    }
    acknowledged++;
    acknowledgedItems += buffer.items;
    latency.add(systemClock.nowMs() - sentMs);
  });
}
