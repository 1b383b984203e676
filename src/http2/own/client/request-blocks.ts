import { allocBrief, joinOwned } from "../../../core/bytes.ts";
import { ACCEPTED_ENCODINGS, isHeaderValue, isTransportHeader } from "../../headers.ts";
import type { UnaryRequest } from "../../port.ts";
import { formatTimeout } from "../../timeout.ts";
import { headerListBytes } from "../header-list.ts";
import { encodeHeaders } from "../hpack/encoder.ts";

/** Metadata that is no header, or more than the peer takes: to send the call again is of no use. */
export class BadMetadata extends Error {
  override readonly name = "BadMetadata";
}

/** The head of one call. */
interface RequestBlock {
  /** Valid for ever, never written to again. */
  readonly block: Uint8Array;
  /** Its size as a list: headerListBytes. */
  readonly listBytes: number;
}

/** All of a request's head but its timeout, and the last head made of it. */
interface KnownBlock {
  readonly path: string;
  readonly encoding: UnaryRequest["encoding"];
  readonly front: Uint8Array;
  readonly listBytes: number;
  timeoutMs: number;
  block: Uint8Array;
}

/** Paths and encodings of one metadata object: OTLP has three of the one and three of the other. */
const MAX_KNOWN = 16;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/u;
const PATH = /^[\x21-\x7e]+$/u;
/** Those that HTTP/2 does not have (RFC 9113, 8.2.2). */
const NOT_HTTP2 = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Encoded heads of requests. They use no dynamic table, so one serves all connections; what does
 * not change from call to call is encoded once for each metadata object, which must not be changed
 * any more.
 */
export class RequestBlocks {
  readonly #scheme: string;
  readonly #authority: string;
  readonly #userAgent: string;
  readonly #known = new WeakMap<UnaryRequest["metadata"], KnownBlock[]>();

  constructor(url: URL, userAgent: string) {
    this.#scheme = url.protocol.slice(0, -1);
    this.#authority = url.host;
    this.#userAgent = userAgent;
  }

  /** The head of one call, until the next call. Throws BadMetadata. */
  head(request: UnaryRequest, timeoutMs: number): RequestBlock {
    const known = this.#find(request);
    const wholeMs = Math.ceil(timeoutMs);
    if (known.timeoutMs === wholeMs) return known;
    known.block = withText(known.front, formatTimeout(wholeMs));
    known.timeoutMs = wholeMs;
    return known;
  }

  #find(request: UnaryRequest): KnownBlock {
    const { metadata, path, encoding } = request;
    let all = this.#known.get(metadata);
    if (all === undefined) {
      all = [];
      this.#known.set(metadata, all);
    }
    for (const known of all) if (known.path === path && known.encoding === encoding) return known;
    const { headers, sensitive } = this.#front(request);
    const front = joinOwned([encodeHeaders(headers, { sensitive }), TIMEOUT_NAME]);
    const listBytes = headerListBytes(headers) + TIMEOUT_LIST_BYTES;
    const known = { path, encoding, front, listBytes, timeoutMs: Number.NaN, block: front };
    if (all.length < MAX_KNOWN) all.push(known);
    return known;
  }

  #front({ path, metadata, encoding }: UnaryRequest): { headers: string[]; sensitive: Set<string> } {
    if (!PATH.test(path)) throw new BadMetadata("the path has characters that no path may have");
    const headers = [":method", "POST", ":scheme", this.#scheme, ":authority", this.#authority, ":path", path];
    headers.push("te", "trailers", "content-type", "application/grpc", "user-agent", this.#userAgent);
    headers.push("grpc-accept-encoding", ACCEPTED_ENCODINGS);
    if (encoding !== "identity") headers.push("grpc-encoding", encoding);
    const sensitive = new Set<string>(); // metadata may be credentials, which no proxy is to keep in a table
    for (const name in metadata) {
      if (isTransportHeader(name)) continue;
      const value = metadata[name]!;
      if (!NAME.test(name) || NOT_HTTP2.has(name)) throw new BadMetadata(`metadata ${name} is no header of HTTP/2`);
      if (!isHeaderValue(value)) throw new BadMetadata(`metadata ${name} has characters that no header may have`);
      headers.push(name, value);
      sensitive.add(name);
    }
    return { headers, sensitive };
  }
}

/** The beginning of a literal field without its value: an empty value is one byte, its length. */
const TIMEOUT_NAME = encodeHeaders(["grpc-timeout", ""]).subarray(0, -1);

/** `grpc-timeout` with a value of the longest kind: eight digits and a unit. */
const TIMEOUT_LIST_BYTES = headerListBytes(["grpc-timeout", "99999999m"]);

/** Completes a field with a short value, not Huffman-coded (RFC 7541, 5.2). */
function withText(front: Uint8Array, text: string): Uint8Array {
  const block = allocBrief(front.length + 1 + text.length);
  block.set(front);
  block[front.length] = text.length;
  block.write(text, front.length + 1, "latin1");
  return block;
}
