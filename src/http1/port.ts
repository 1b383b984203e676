import type { Refusal } from "../core/reason.ts";
import type { ListeningPlace } from "../core/sockets/listening-server.ts";
import type { TlsServerOptions } from "../core/sockets/tls-server-options.ts";
import type { HttpFault } from "./own/contract.ts";

/**
 * The narrow port between Signalbox and a server of HTTP/1.1: heads and bytes in, replies out. It
 * knows nothing of OTLP. Implementations: node-server.ts, over node:http; own/listen.ts, our own.
 */

/** `headers` are names and values in turn, without those of the connection, date and length. */
export interface HttpReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** The same object is given again and again: its bytes may be kept. */
  readonly isFixed?: true;
}

/**
 * For what a handler made of a head: the same object for requests that say the same but for their
 * length.
 */
export interface HeadMemo {
  value: unknown;
}

/** A request as its head tells it. Valid until it was replied to or gone. */
export interface HttpRequest {
  readonly method: string;
  readonly target: string;
  /** Address and port of the peer. */
  readonly peer: string;
  /** Of the body; 0 without one, undefined when only its end will tell. */
  readonly length: number | undefined;
  /** By a lower-case name; what came several times is joined as RFC 9110, 5.3 says. */
  header(name: string): string | undefined;
  readonly memo: HeadMemo;
  /**
   * Ends the request; what comes after the first reply is ignored. It may be given at any time,
   * also from within the handler. `rest`: what is left of the body may be read and thrown away when
   * it is short, so that the connection can be used again, or is not worth it.
   */
  reply(reply: HttpReply, rest: "short" | "unwanted"): void;
  /** The rest of its body stays where it is, until `resume`. */
  pause(): void;
  resume(): void;
}

/** What a handler does with one request. None of these may throw. */
export interface HttpExchange {
  /** Part of the body: borrowed until this returns. Not after the reply. */
  data(bytes: Uint8Array): void;
  /** The body has ended, in peace. Not after the reply. */
  end(): void;
  /** What is left of the body cannot be read: it is to be replied to with this. */
  broken(refusal: Refusal): void;
  /** The peer is gone, and no reply is possible: called at most once, and not after the reply. */
  gone(): void;
}

/**
 * Called at a request's head, before its body is read: what to do with it, or undefined when it has
 * been replied to.
 */
export type HttpHandler = (request: HttpRequest) => HttpExchange | undefined;

export interface HttpServerOptions extends ListeningPlace {
  readonly tls?: TlsServerOptions;
  readonly handler: HttpHandler;
  /** The reply to what is no request, or never came to be one. Must not throw. */
  readonly refuse: (refusal: Refusal) => HttpReply;
  readonly maxHeaderBytes: number;
  /** From the start of a connection, or the first byte of a request, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body; also bounds what is thrown away. */
  readonly bodyTimeoutMs: number;
  /** Without a request for this long, a connection is closed. */
  readonly keepAliveTimeoutMs: number;
  /**
   * A connection is closed with the first reply after this time, +-10 %; so clients come to see new
   * nodes behind a load balancer.
   */
  readonly maxConnectionAgeMs: number;
  /** Told once of a connection that ended by what its peer sent; node:http tells of none. */
  readonly onFault?: (fault: HttpFault) => void;
}

/**
 * A refused body that is not longer is read and thrown away, so that the connection can be used
 * again.
 */
export const MAX_DISCARD_BYTES = 65_536;
/**
 * How long a connection is read on, and thrown away, after its last reply: closing a socket with
 * unread bytes resets it, and the sender would lose the reply that tells it why (RFC 9112, 9.6).
 */
export const LINGER_MS = 1_000;

/** The value of a header in `fields`, names in lower case and values in turn. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== name) continue;
    if (value === undefined) value = fields[i + 1];
    else value += `${separatorOf(name)}${fields[i + 1]}`;
  }
  return value;
}

/** What stands between the values of a header that came several times: RFC 9110, 5.3, and 6265. */
export function separatorOf(name: string): string {
  return name === "cookie" ? "; " : ", ";
}
