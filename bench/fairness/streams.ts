import { LatencyHistogram } from "../latency.ts";
import { systemClock } from "../../src/core/clock.ts";
import { prepare } from "../../src/generate/generate.ts";
import { type PreparedRequest, stamp } from "../../src/generate/prepared.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { BASE, serviceNames } from "../case.ts";
import { items } from "../cases.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import { GrpcConnection, MESSAGE_AT } from "../wire/grpc-client.ts";
import type { ClassShare, StreamClass, StreamsArguments, StreamsReport, StreamsRequest } from "./messages.ts";

/**
 * One connection with as many calls under way as there are slots, without a pause: as soon as the
 * call of a slot is answered its next one follows. Their bodies are sent in turns of one frame.
 */
const { port, classes } = argumentsOf<StreamsArguments>();
const SOURCE = 2;
const WALL_MS = 1_750_000_000_000;

interface Slot {
  readonly of: Lane;
  bytes: Buffer;
  prepared: PreparedRequest;
  served: number;
}

/** The slots of one class. */
interface Lane {
  readonly what: StreamClass;
  readonly slots: Slot[];
  latency: LatencyHistogram;
  refused: number;
}

let nextNumber = 0;
let running = false;
const lanes = classes.map(openLane);
const { grpcPath: path } = SIGNAL_FACTS.traces;
const connection = new GrpcConnection({ host: "127.0.0.1", port, path, encoding: "identity", turns: true });
await connection.opened;
answerParent(answer);
tellParent({ kind: "ready" } satisfies StreamsReport);

function openLane(what: StreamClass): Lane {
  const lane: Lane = { what, slots: [], latency: new LatencyHistogram(), refused: 0 };
  const request = prepare("traces", "protobuf", {
    items: what.itemsPerRequest,
    resources: items(what.itemsPerRequest).resourcesPerRequest,
    services: serviceNames(BASE.services),
    seed: 1,
    source: SOURCE,
    wallMs: WALL_MS,
  });
  for (let i = 0; i < what.streams; i++) {
    const bytes = Buffer.concat([Buffer.alloc(MESSAGE_AT), request.bytes]);
    const prepared = { ...request, bytes: bytes.subarray(MESSAGE_AT) };
    lane.slots.push({ of: lane, bytes, prepared, served: 0 });
  }
  return lane;
}

function answer(request: StreamsRequest): StreamsReport {
  switch (request.kind) {
    case "start":
      running = true;
      for (const slot of inTurn()) send(slot);
      return { kind: "started" };
    case "mark":
      return { kind: "window", classes: lanes.map(shareOf) };
    case "stop":
      running = false;
      connection.destroy();
      return { kind: "window", classes: lanes.map(shareOf) };
    default:
      throw new Error("a message that the process of streams does not know");
  }
}

/** Small and large ones mixed, as they would come. */
function inTurn(): Slot[] {
  const placed = lanes.flatMap(({ slots }) => slots.map((slot, i) => ({ slot, at: (i + 0.5) / slots.length })));
  return placed.toSorted((left, right) => left.at - right.at).map(({ slot }) => slot);
}

function send(slot: Slot): void {
  if (!running || connection.closed) return;
  stamp(slot.prepared, { source: SOURCE, firstNumber: nextNumber });
  nextNumber += slot.of.what.itemsPerRequest;
  const sentMs = systemClock.nowMs();
  connection.call(slot.bytes, false, (status, _bytes, written) => {
    if (status === 0) {
      slot.served += slot.bytes.length - MESSAGE_AT;
      slot.of.latency.add(systemClock.nowMs() - sentMs);
    } else slot.of.refused++;
    if (!written) renew(slot);
    send(slot);
  });
}

/** Its bytes may still be needed. */
function renew(slot: Slot): void {
  slot.bytes = Buffer.from(slot.bytes);
  slot.prepared = { ...slot.prepared, bytes: slot.bytes.subarray(MESSAGE_AT) };
}

function shareOf(lane: Lane): ClassShare {
  const served = lane.slots.map((slot) => slot.served);
  const { refused, latency } = lane;
  const share: ClassShare = {
    ...lane.what,
    requestBytes: (lane.slots[0]?.bytes.length ?? MESSAGE_AT) - MESSAGE_AT,
    requests: latency.summary().count,
    refused,
    latency: latency.summary(),
    leastBytes: Math.min(...served),
    mostBytes: Math.max(...served),
  };
  lane.latency = new LatencyHistogram();
  lane.refused = 0;
  for (const slot of lane.slots) slot.served = 0;
  return share;
}
