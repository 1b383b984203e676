import { parseEncoding } from "../../otlp/encoding.ts";
import { inflate } from "../../otlp/inflate.ts";

/** What targets may compress their replies with, as `accept-encoding` and `grpc-accept-encoding` say it: inflateReply takes these. */
export const REPLY_ENCODINGS = "gzip, deflate, zstd";

/** A reply as it is without its compression, or undefined when it cannot be read. `done` is called once, perhaps at once. */
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
    const budget = { maxBytes, reserve: () => true, release: () => undefined };
    inflate(known, body, budget, (result) => done(result.ok ? result.bytes : undefined));
  }
}
