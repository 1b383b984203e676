import { allocBrief } from "../core/bytes.ts";
/**
 * What is below this is copied next to its neighbours: a copy of 16 KiB costs less than one more
 * write.
 */
const JOIN_BELOW_BYTES = 16_384;
/** Up to this, all of a message goes into one buffer. */
const ONE_BUFFER_BYTES = 65_536;

const PREFIX_BYTES = 5;

/**
 * The buffers to write for one length-prefixed message: its prefix, then its pieces in order. Large
 * pieces are passed on as they are (borrowed), small ones are joined.
 */
export function frameMessage(pieces: readonly Uint8Array[], messageBytes: number, compressed: boolean): Uint8Array[] {
  const joinBelow = messageBytes <= ONE_BUFFER_BYTES ? Number.POSITIVE_INFINITY : JOIN_BELOW_BYTES;
  const buffers: Uint8Array[] = [];
  let start = 0;
  let bytes = 0;
  let prefix: number | undefined = messageBytes;
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at]!;
    if (piece.length < joinBelow) {
      bytes += piece.length;
      continue;
    }
    if (prefix !== undefined || bytes > 0) buffers.push(join(pieces, { start, end: at, bytes, prefix, compressed }));
    buffers.push(piece);
    prefix = undefined;
    bytes = 0;
    start = at + 1;
  }
  if (prefix !== undefined || bytes > 0) {
    buffers.push(join(pieces, { start, end: pieces.length, bytes, prefix, compressed }));
  }
  return buffers;
}

/** What goes before a message: its flag and its length. */
export function messagePrefix(messageBytes: number, compressed: boolean): Uint8Array {
  const prefix = allocBrief(PREFIX_BYTES);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(messageBytes, 1);
  return prefix;
}

/** A whole message with its prefix, uncompressed, as one new buffer. */
export function prefixed(message: Uint8Array): Uint8Array {
  if (message.length === 0) return EMPTY_MESSAGE;
  const framed = allocBrief(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** The usual reply of OTLP: nothing to say. Never written to. */
const EMPTY_MESSAGE = new Uint8Array(PREFIX_BYTES);

interface Run {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  /** The message's length, when its prefix goes before this run. */
  readonly prefix: number | undefined;
  readonly compressed: boolean;
}

function join(pieces: readonly Uint8Array[], run: Run): Uint8Array {
  const head = run.prefix === undefined ? 0 : PREFIX_BYTES;
  const joined = allocBrief(head + run.bytes);
  if (run.prefix !== undefined) {
    joined[0] = run.compressed ? 1 : 0;
    joined.writeUInt32BE(run.prefix, 1);
  }
  let to = head;
  for (let at = run.start; at < run.end; at++) {
    const piece = pieces[at]!;
    joined.set(piece, to);
    to += piece.length;
  }
  return joined;
}
