import { textOwned } from "../../../core/bytes.ts";
/** Frame types of RFC 9113, section 6. */
export const FRAME = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags; ACK is the END_STREAM of SETTINGS and PING. */
export const FLAG = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Parameters of SETTINGS: RFC 9113, 6.5.2. */
export const SETTING = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** Length, type, flags and stream identifier: RFC 9113, 4.1. */
export const HEAD_BYTES = 9;
/** What every peer must take, and what holds until its SETTINGS say more. */
export const MIN_MAX_FRAME_BYTES = 16_384;
export const MAX_MAX_FRAME_BYTES = 16_777_215;
/** Of a stream and of the connection, until SETTINGS or WINDOW_UPDATE say otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
export const MAX_STREAM_ID = 0x7fff_ffff;
/** Of HPACK, until SETTINGS say otherwise. */
export const DEFAULT_TABLE_BYTES = 4_096;

/** What a client says first: RFC 9113, 3.4. */
export const CLIENT_PREFACE: Uint8Array = textOwned("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
