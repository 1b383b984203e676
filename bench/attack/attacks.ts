import { generateTraces } from "../../test/support/generated.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { serviceNames } from "../case.ts";
import { items } from "../cases.ts";
import { FLAG, FRAME, frame, SETTING, settingsFrame, windowUpdate } from "../wire/frames.ts";
import { callFields } from "../wire/grpc-client.ts";
import { encodeBlocks } from "../wire/hpack.ts";
import type { Field } from "../wire/hpack.ts";
import type { Line } from "./line.ts";

/** Bytes to write at once, and how many frames they are. */
export interface Step {
  readonly bytes: Buffer;
  readonly frames: number;
}

/** What somebody who means harm may do on connections that anybody can open. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  /** Connections that do it at the same time. */
  readonly connections: number;
  /** Of the attacker's preface. */
  readonly settings?: readonly (readonly [id: number, value: number])[];
  readonly reads?: false;
  /** No attack, for comparison: the mark does not hold for it. */
  readonly harmless?: true;
  readonly short?: true;
  /**
   * Begins on a connection. The function gives the next step, or undefined when there is nothing to
   * do now.
   */
  readonly begin: (line: Line) => () => Step | undefined;
}

const FIELDS = callFields({ host: "127.0.0.1", port: 4317, path: SIGNAL_FACTS.traces.grpcPath, encoding: "identity" });
const HEAD = block();
const FRAME_PRIORITY = 2;
const FRAME_PUSH_PROMISE = 5;
const FRAME_UNKNOWN = 0xfa;
const CANCEL = Buffer.from([0, 0, 0, 8]);
const EMPTY = Buffer.alloc(0);
const EIGHT = Buffer.alloc(8, 7);
/** A message of 1 MiB is announced. */
const LARGE_BYTES = 1_048_576;
const LARGE_PREFIX = prefix(LARGE_BYTES);
const BODY = requestBody();

/** In the order in which they run. */
export const ATTACKS: readonly Attack[] = [
  { name: "neighbour", title: "none: ordinary requests at that rate", connections: 1, harmless: true, begin: ordinary },
  { name: "header-list", title: "header lists of 30 KB", connections: 1, begin: largeHeads },
  { name: "hpack-expansion", title: "12 KB of header block that mean 48 MB", connections: 1, begin: expansion },
  { name: "continuation", title: "header block without end", connections: 1, short: true, begin: continuation },
  { name: "rapid-reset", title: "requests reset at once", connections: 1, short: true, begin: rapidReset },
  {
    name: "settings",
    title: "SETTINGS",
    connections: 1,
    begin: () => always(settingsFrame([[SETTING.MAX_FRAME_SIZE, 16_384]])),
  },
  { name: "ping", title: "PING", connections: 1, short: true, begin: () => always(frame(FRAME.PING, 0, 0, EIGHT)) },
  { name: "empty-data", title: "DATA without a byte", connections: 1, begin: (line) => onStream(line, EMPTY, 0) },
  {
    name: "padding",
    title: "DATA of padding alone",
    connections: 1,
    begin: (line) => onStream(line, padding(), FLAG.PADDED),
  },
  { name: "tiny-data", title: "DATA of one byte", connections: 1, begin: tinyData },
  { name: "window-update", title: "WINDOW_UPDATE of 1", connections: 1, begin: () => always(windowUpdate(0, 1)) },
  {
    name: "window-overflow",
    title: "WINDOW_UPDATE beyond 2^31-1",
    connections: 1,
    begin: () => always(windowUpdate(0, 0x7fff_ffff)),
  },
  {
    name: "zero-window",
    title: "no window for any reply",
    connections: 8,
    settings: [[SETTING.INITIAL_WINDOW_SIZE, 0]],
    begin: (line) => upToLimit(line, () => request(line), 2),
  },
  {
    name: "slow-reading",
    title: "requests whose replies are not read",
    connections: 4,
    reads: false,
    begin: ordinaryHeads,
  },
  {
    name: "slow-sending",
    title: "1 MiB announced, a byte now and then",
    connections: 4,
    short: true,
    begin: slowSending,
  },
  { name: "too-many-streams", title: "streams beyond the limit", connections: 1, begin: (line) => () => opened(line) },
  {
    name: "priority",
    title: "PRIORITY",
    connections: 1,
    begin: () => always(frame(FRAME_PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 16]))),
  },
  {
    name: "unknown-frames",
    title: "frames of unknown type",
    connections: 1,
    begin: () => always(frame(FRAME_UNKNOWN, 0, 0, EIGHT)),
  },
  {
    name: "push-promise",
    title: "PUSH_PROMISE",
    connections: 1,
    begin: () => always(frame(FRAME_PUSH_PROMISE, FLAG.END_HEADERS, 1, EIGHT)),
  },
  { name: "stream-ids", title: "even, old and idle stream ids", connections: 4, begin: wrongIds },
  { name: "half-closed", title: "DATA after the end of the request", connections: 1, begin: afterEnd },
];

function ordinary(line: Line): () => Step | undefined {
  return () => (line.openStreams < line.maxStreams ? { bytes: request(line), frames: 2 } : undefined);
}

/** A request without a body is answered at once, with an error: much to read for little to send. */
function ordinaryHeads(line: Line): () => Step {
  return () => step(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, line.stream(), HEAD));
}

function largeHeads(line: Line): () => Step {
  const large = block(Array.from({ length: 30 }, (_, i) => ({ name: `x-${i}`, value: "a".repeat(1_000) })));
  return () => step(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, line.stream(), large));
}

/** One entry fills the table; each byte of the blocks after it stands for 4 KB. */
function expansion(line: Line): () => Step {
  const entry = encodeBlocks([{ name: "x", value: "a".repeat(4_000) }], true).first;
  line.write(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, line.stream(), Buffer.concat([HEAD, entry])));
  const many = Buffer.concat([HEAD, Buffer.alloc(12_000, 0x80 | 62)]);
  return () => step(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, line.stream(), many));
}

function continuation(line: Line): () => Step {
  const stream = line.stream();
  line.write(frame(FRAME.HEADERS, 0, stream, HEAD));
  return always(frame(FRAME.CONTINUATION, 0, stream, encodeBlocks([{ name: "x-more", value: "a" }], false).next));
}

function rapidReset(line: Line): () => Step {
  return () => {
    const stream = line.stream();
    return { bytes: Buffer.concat([open(stream), frame(FRAME.RST_STREAM, 0, stream, CANCEL)]), frames: 2 };
  };
}

/** The same DATA again and again on a stream that stays open. */
function onStream(line: Line, payload: Buffer, flags: number): () => Step {
  const stream = line.stream();
  line.write(Buffer.concat([open(stream), frame(FRAME.DATA, 0, stream, LARGE_PREFIX)]));
  return always(frame(FRAME.DATA, flags, stream, payload));
}

/** A message of 1 MiB in a million frames. */
function tinyData(line: Line): () => Step {
  const byte = Buffer.from([0]);
  let stream = 0;
  let left = 0;
  return () => {
    if (left === 0) {
      stream = line.stream();
      left = LARGE_BYTES;
      return { bytes: Buffer.concat([open(stream), frame(FRAME.DATA, 0, stream, LARGE_PREFIX)]), frames: 2 };
    }
    left--;
    return step(frame(FRAME.DATA, left === 0 ? FLAG.END_STREAM : 0, stream, byte));
  };
}

/** As many messages as the limit of streams allows, each announced, none of them ever whole. */
function slowSending(line: Line): () => Step | undefined {
  const streams: number[] = [];
  const byte = Buffer.from([0]);
  let turn = 0;
  return () => {
    if (streams.length < line.maxStreams) {
      const stream = line.stream();
      streams.push(stream);
      return { bytes: Buffer.concat([open(stream), frame(FRAME.DATA, 0, stream, LARGE_PREFIX)]), frames: 2 };
    }
    // One step of a hundred is a byte: at 20,000 a second, spread over four connections, each
    // stream has one in five seconds.
    const stream = streams[Math.floor(turn / 100) % streams.length]!;
    return turn++ % 100 === 0 ? step(frame(FRAME.DATA, 0, stream, byte)) : { bytes: EMPTY, frames: 1 };
  };
}

function upToLimit(line: Line, make: () => Buffer, frames: number): () => Step | undefined {
  let made = 0;
  return () => (made++ < line.maxStreams ? { bytes: make(), frames } : undefined);
}

/** One kind on each connection. */
function wrongIds(line: Line): () => Step {
  const kind = nextKind++ % 3;
  if (kind === 0) return always(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 2, HEAD));
  if (kind === 1) return always(frame(FRAME.DATA, 0, 1_001, EIGHT));
  line.write(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1_001, HEAD));
  return always(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 5, HEAD));
}

let nextKind = 0;

function afterEnd(line: Line): () => Step {
  return () => {
    const stream = line.stream();
    const bytes = Buffer.concat([
      request(line),
      frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream + 4, HEAD),
    ]);
    line.stream();
    return { bytes: Buffer.concat([bytes, frame(FRAME.DATA, 0, stream + 4, EIGHT)]), frames: 4 };
  };
}

function always(bytes: Buffer): () => Step {
  const same = step(bytes);
  return () => same;
}

function step(bytes: Buffer): Step {
  return { bytes, frames: 1 };
}

function opened(line: Line): Step {
  return step(open(line.stream()));
}

function open(stream: number): Buffer {
  return frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, HEAD);
}

function request(line: Line): Buffer {
  const stream = line.stream();
  return Buffer.concat([open(stream), frame(FRAME.DATA, FLAG.END_STREAM, stream, BODY)]);
}

function padding(): Buffer {
  const bytes = Buffer.alloc(256);
  bytes[0] = 255;
  return bytes;
}

function prefix(messageBytes: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(messageBytes, 1);
  return bytes;
}

/** Without a table, so that it is right on any connection at any time. */
function block(more: readonly Field[] = []): Buffer {
  return encodeBlocks([...FIELDS, ...more], false).next;
}

function requestBody(): Buffer {
  const services = serviceNames(8);
  const what = { items: 10, resources: items(10).resourcesPerRequest, services, seed: 1, source: 9, wallMs: 0 };
  const message = generateTraces(what);
  return Buffer.concat([prefix(message.length), message]);
}
