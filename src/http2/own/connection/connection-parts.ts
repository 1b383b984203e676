import type { ConnectionEvents, ConnectionLimits } from "../contract.ts";
import { FrameDecoder } from "../frames/decoder.ts";
import { DEFAULT_WINDOW_BYTES } from "../frames/frame-types.ts";
import { Allowance } from "./allowance.ts";
import { BodyIntake } from "./body-intake.ts";
import { Ending } from "./ending.ts";
import { Faults } from "./faults.ts";
import { HeaderBlockIntake } from "./header-block-intake.ts";
import { Inbound } from "./inbound.ts";
import { Leftovers } from "./leftovers.ts";
import { Outbound } from "./outbound.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { StreamTable } from "./stream-table.ts";

/**
 * A header block may be this many times longer, as it is sent, than the list that it makes: no
 * encoder makes it longer at all.
 */
const BLOCK_FACTOR = 4;

/**
 * Reasons for frames that carry nothing or little, at most: a burst of the peer's follows a burst
 * of ours, or a large body.
 */
const MAX_FRAMES_EARNED = 65_536;
/** Answered streams that excuse a reset, at most: who behaved for long may not attack for long. */
const MAX_RESETS_EARNED = 1_000;

/** The parts of a connection, by what they do with it. */
export interface ConnectionParts {
  readonly streams: StreamTable;
  readonly outbound: Outbound;
  readonly ending: Ending;
  readonly faults: Faults;
  readonly body: BodyIntake;
  readonly leftovers: Leftovers;
  readonly inbound: Inbound;
  readonly decoder: FrameDecoder;
  /** A window for a new stream, as large as the peer may think that it is. */
  readonly newWindow: () => ReceiveWindow;
}

/** Puts the parts of one connection together. */
export function createParts(
  role: "server" | "client",
  limits: ConnectionLimits,
  events: ConnectionEvents,
  nowMs: number,
): ConnectionParts {
  const idle = new Allowance(limits.maxIdleFramesPerSecond, MAX_FRAMES_EARNED, nowMs);
  const small = new Allowance(limits.maxSmallFramesPerSecond, MAX_FRAMES_EARNED, nowMs);
  const resets = new Allowance(limits.maxResetsPerSecond, MAX_RESETS_EARNED, nowMs);
  const errors = new Allowance(limits.maxResetsPerSecond, 0, nowMs);
  const streams = new StreamTable();
  const outbound = new Outbound(streams, idle, resets);
  const ending = new Ending(role, events, streams, outbound);
  const faults = new Faults(events, outbound, ending, { idle, small, resets, errors }, nowMs);
  const window = new ReceiveWindow(limits.connectionWindowBytes, limits.connectionWindowBytes);
  const dropped = new Allowance(limits.droppedBytesPerSecond, 0, nowMs);
  const leftovers = new Leftovers(streams, outbound, faults, dropped);
  const body = new BodyIntake({ events, streams, outbound, faults, leftovers, window });

  // RFC 9113, 6.9.2: until it acknowledges our SETTINGS the peer may go by the default.
  const surplus = Math.max(0, DEFAULT_WINDOW_BYTES - limits.initialWindowBytes);
  const newWindow = (): ReceiveWindow => {
    const size = limits.initialWindowBytes;
    return new ReceiveWindow(size, inbound.settled ? size : size + surplus);
  };
  const headers = new HeaderBlockIntake({ role, limits, events, streams, outbound, ending, faults, newWindow });
  const settled = (): void => {
    headers.settle();
    if (surplus > 0) for (const stream of streams.values()) stream.receive?.shrink(surplus);
  };
  const inbound = new Inbound({ role, events, streams, outbound, ending, faults, headers, body, leftovers, settled });
  const decoder = new FrameDecoder(inbound, {
    maxFrameBytes: limits.maxFrameBytes,
    maxBlockBytes: limits.maxHeaderListBytes * BLOCK_FACTOR,
    maxContinuations: limits.maxContinuations,
  });
  return { streams, outbound, ending, faults, body, leftovers, inbound, decoder, newWindow };
}
