import { type ConnectionLimits, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import {
  DEFAULT_WINDOW_BYTES,
  MAX_MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  MIN_MAX_FRAME_BYTES,
  SETTING,
} from "../frames/frame-types.ts";

/**
 * What we say of ourselves, parameters and values in turn: RFC 9113, 6.5.2. Nobody may push to a
 * client of ours.
 */
export function ourSettings(role: "server" | "client", limits: ConnectionLimits): readonly number[] {
  const settings: number[] = [SETTING.HEADER_TABLE_SIZE, limits.headerTableBytes];
  if (role === "client") settings.push(SETTING.ENABLE_PUSH, 0);
  else settings.push(SETTING.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams);
  settings.push(SETTING.INITIAL_WINDOW_SIZE, limits.initialWindowBytes);
  settings.push(SETTING.MAX_FRAME_SIZE, limits.maxFrameBytes);
  settings.push(SETTING.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes);
  return settings;
}

/** What one SETTINGS frame of the peer changes; undefined: says nothing of it. */
interface PeerSettings {
  error: H2ErrorCode;
  /** The values of HEADER_TABLE_SIZE in order: the least of them counts, too (RFC 7541, 4.2). */
  tableBytes: number[];
  maxConcurrentStreams: number | undefined;
  initialWindow: number | undefined;
  maxFrameBytes: number | undefined;
  maxHeaderListBytes: number | undefined;
}

/**
 * Reads a SETTINGS frame: of a parameter that occurs twice the last value holds, unknown ones are
 * ignored. `error` tells what is wrong.
 */
export function readSettings(role: "server" | "client", bytes: Uint8Array, start: number, end: number): PeerSettings {
  const read: PeerSettings = {
    error: H2_ERROR.NO_ERROR,
    tableBytes: [],
    maxConcurrentStreams: undefined,
    initialWindow: undefined,
    maxFrameBytes: undefined,
    maxHeaderListBytes: undefined,
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at < end && read.error === H2_ERROR.NO_ERROR; at += 6) {
    readSetting(read, role, view.getUint16(at), view.getUint32(at + 2));
  }
  return read;
}

function readSetting(read: PeerSettings, role: "server" | "client", parameter: number, value: number): void {
  switch (parameter) {
    case SETTING.HEADER_TABLE_SIZE:
      read.tableBytes.push(value);
      break;
    case SETTING.ENABLE_PUSH:
      if (value > (role === "server" ? 1 : 0)) read.error = H2_ERROR.PROTOCOL_ERROR;
      break;
    case SETTING.MAX_CONCURRENT_STREAMS:
      read.maxConcurrentStreams = value;
      break;
    case SETTING.INITIAL_WINDOW_SIZE:
      if (value > MAX_WINDOW_BYTES) read.error = H2_ERROR.FLOW_CONTROL_ERROR;
      else read.initialWindow = value;
      break;
    case SETTING.MAX_FRAME_SIZE:
      if (value < MIN_MAX_FRAME_BYTES || value > MAX_MAX_FRAME_BYTES) read.error = H2_ERROR.PROTOCOL_ERROR;
      else read.maxFrameBytes = value;
      break;
    case SETTING.MAX_HEADER_LIST_SIZE:
      read.maxHeaderListBytes = value;
      break;
    default:
  }
}

/** Throws RangeError for limits of ours that RFC 9113 does not allow to be said. */
export function refuseLimits(limits: ConnectionLimits): void {
  const { maxFrameBytes, initialWindowBytes, connectionWindowBytes } = limits;
  refuse("maxFrameBytes", maxFrameBytes, MIN_MAX_FRAME_BYTES, MAX_MAX_FRAME_BYTES);
  refuse("initialWindowBytes", initialWindowBytes, 1, MAX_WINDOW_BYTES);
  refuse("connectionWindowBytes", connectionWindowBytes, DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES);
}

function refuse(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} must be from ${least} to ${most}: ${value}`);
}
