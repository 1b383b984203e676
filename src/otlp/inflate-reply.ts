import { OWN_BODIES } from "../core/arena/extent.ts";
import { parseEncoding } from "./encoding.ts";
import { inflate } from "./inflate.ts";

/**
 * What targets may compress their replies with, as `accept-encoding` and `grpc-accept-encoding` say
 * it: inflateReply takes these.
 */
export const REPLY_ENCODINGS = "gzip, deflate, zstd";

/**
 * A reply as it is without its compression, or undefined when it cannot be read. `done` is called
 * once, perhaps at once.
 */
export function inflateReply(
  encoding: string,
  body: Uint8Array,
  maxBytes: number,
  done: (inflated: Uint8Array | undefined) => void,
): void {
  const known = parseEncoding(encoding);
  if (known === "identity" || body.length === 0) done(body);
  else if (known === undefined) done(undefined);
  else {
    const budget = { ...OWN_BODIES, maxBytes, reserve: () => true, release: () => undefined };
    inflate(known, body, budget, (result) => done(result.ok ? result.body.bytes : undefined));
  }
}

/** OTLP: 4 MiB. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A gRPC answer with status OK, as its transport hands it over. */
interface AnsweredMessage {
  readonly message: Uint8Array;
  readonly unreadable?: true;
  /** There when its flag says that it is compressed. */
  readonly messageEncoding?: string;
}

/** The same for the message of a gRPC answer. */
export function inflateMessage(answer: AnsweredMessage, done: (inflated: Uint8Array | undefined) => void): void {
  const { message, unreadable, messageEncoding: encoding } = answer;
  if (unreadable === true || encoding === "identity")
    done(undefined); // compressed with nothing
  else if (encoding === undefined) done(message);
  else inflateReply(encoding, message, MAX_MESSAGE_BYTES, done);
}
