import { H2_ERROR, type H2ErrorCode } from "../contract.ts";
import { FLAG, FRAME } from "./frame-types.ts";

/**
 * What is wrong with a frame by its head alone (RFC 9113, sections 4.2 and 6), before a byte of its
 * payload is kept; NO_ERROR when nothing is. Each is an error of the connection. Limits that are
 * ours are not looked at.
 */
export function headError(type: number, flags: number, stream: number, length: number): H2ErrorCode {
  switch (type) {
    case FRAME.DATA:
    case FRAME.HEADERS:
      if (stream === 0) return H2_ERROR.PROTOCOL_ERROR;
      return length < prefixBytes(type, flags) ? H2_ERROR.FRAME_SIZE_ERROR : H2_ERROR.NO_ERROR;
    case FRAME.PRIORITY:
    case FRAME.CONTINUATION:
      return stream === 0 ? H2_ERROR.PROTOCOL_ERROR : H2_ERROR.NO_ERROR;
    case FRAME.RST_STREAM:
      if (stream === 0) return H2_ERROR.PROTOCOL_ERROR;
      return length === 4 ? H2_ERROR.NO_ERROR : H2_ERROR.FRAME_SIZE_ERROR;
    case FRAME.SETTINGS:
      if (stream !== 0) return H2_ERROR.PROTOCOL_ERROR;
      if ((flags & FLAG.ACK) !== 0 && length > 0) return H2_ERROR.FRAME_SIZE_ERROR;
      return length % 6 === 0 ? H2_ERROR.NO_ERROR : H2_ERROR.FRAME_SIZE_ERROR;
    case FRAME.PUSH_PROMISE:
      return H2_ERROR.PROTOCOL_ERROR; // a client cannot push, and a server was told not to
    case FRAME.PING:
      if (stream !== 0) return H2_ERROR.PROTOCOL_ERROR;
      return length === 8 ? H2_ERROR.NO_ERROR : H2_ERROR.FRAME_SIZE_ERROR;
    case FRAME.GOAWAY:
      if (stream !== 0) return H2_ERROR.PROTOCOL_ERROR;
      return length >= 8 ? H2_ERROR.NO_ERROR : H2_ERROR.FRAME_SIZE_ERROR;
    case FRAME.WINDOW_UPDATE:
      return length === 4 ? H2_ERROR.NO_ERROR : H2_ERROR.FRAME_SIZE_ERROR;
    default:
      return H2_ERROR.NO_ERROR;
  }
}

/**
 * Bytes between the head and the body of DATA and HEADERS: the pad length and the priority fields.
 */
export function prefixBytes(type: number, flags: number): number {
  const pad = (flags & FLAG.PADDED) === 0 ? 0 : 1;
  return type === FRAME.HEADERS && (flags & FLAG.PRIORITY) !== 0 ? pad + 5 : pad;
}
