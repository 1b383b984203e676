import type { Breach } from "./contract.ts";
import { OCTETS, SP, TARGET } from "./octets.ts";

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  /** Of HTTP/1.x. */
  readonly minor: 0 | 1;
}

/** Those of RFC 9110 and 5789; CONNECT is for proxies. */
const METHODS: ReadonlySet<string> = new Set(["POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]);
const LONGEST_METHOD = 7;
const VERSION_BYTES = 9; // a space and HTTP/1.1

/** One line, [start, end) of `bytes`, without its end: RFC 9112, 3. */
export function readRequestLine(bytes: Buffer, start: number, end: number): RequestLine | Breach {
  const space = bytes.indexOf(SP, start);
  if (space < 0 || space >= end || space - start > LONGEST_METHOD) return bad("it begins with no method");
  const method = bytes.toString("latin1", start, space);
  const versionAt = end - VERSION_BYTES;
  if (method === "PRI") return HTTP2_BREACH;
  if (!METHODS.has(method)) return bad("it begins with no method of RFC 9110 that is taken here");
  const version = versionAt > space ? bytes.toString("latin1", versionAt, end) : "";
  if (version !== " HTTP/1.1" && version !== " HTTP/1.0") return bad("it does not end with HTTP/1.1 or HTTP/1.0");
  for (let at = space + 1; at < versionAt; at++) {
    if ((OCTETS[bytes[at]!]! & TARGET) === 0) return bad("its target has characters that are not allowed there");
  }
  const target = bytes.toString("latin1", space + 1, versionAt);
  if (!isTarget(target)) return bad("its target is neither a path nor http:// or https:// with one");
  return { method, target, minor: version === " HTTP/1.1" ? 1 : 0 };
}

/** What a first line can be known by from its first byte on, so that its end is not waited for. */
export function foreignBreach(bytes: Buffer, start: number): Breach | undefined {
  const first = bytes[start]!;
  if (first >= 65 && first <= 90) return undefined; // methods are capitals
  if (first === 0x16) {
    const message = "this is TLS, and the listener is without: use http://, or give it a certificate";
    return { fault: "tls", message };
  }
  return bad("it begins with no method");
}

const HTTP2_BREACH: Breach = {
  fault: "http2",
  message: "this is HTTP/2: OTLP over gRPC has a port of its own, 4317 unless configured otherwise",
};

function bad(why: string): Breach {
  return { fault: "bad_request_line", message: `this is no HTTP/1.1 request: ${why}` };
}

/** The origin form, the absolute form that proxies are sent, and that of OPTIONS for all. */
function isTarget(target: string): boolean {
  if (target.startsWith("/") || target === "*") return true;
  return /^https?:\/\/[^/?@]+(?:[/?]|$)/iu.test(target);
}
