import type { BodyMemory, WaitingReader, BytesOwner, Extent } from "../core/arena/extent.ts";
import type { Cancel } from "../core/clock.ts";
import type { ListeningPlace } from "../core/sockets/listening-server.ts";
import type { TlsServerOptions } from "../core/sockets/tls-server-options.ts";
import type { ConnectionFault } from "./own/contract.ts";
import type { TunnelProxy } from "./tunnel.ts";

/**
 * The narrow port between Signalbox and a unary gRPC transport: bytes and status in, bytes and
 * status out. It knows nothing of OTLP. Implementations: node-server.ts and node-client.ts, over
 * node:http2; own/listen-unary.ts and own/open.ts, on our own HTTP/2.
 */

/**
 * What ends a call. With `status` 0 there is a `message`; otherwise there is none (trailers only).
 */
export interface UnaryReply {
  readonly status: number;
  /** `grpc-message`, before percent-encoding. Empty: not sent. */
  readonly text: string;
  /** `grpc-status-details-bin`: a serialized google.rpc.Status. */
  readonly details?: Uint8Array;
  /** The reply message, without its 5-byte prefix. */
  readonly message?: Uint8Array;
}

/** A call as its headers tell it. Valid until it was replied to or cancelled. */
export interface UnaryCall {
  readonly path: string;
  /** Address and port of the peer. */
  readonly peer: string;
  /** `grpc-encoding`; `identity` when there is none. */
  readonly encoding: string;
  /** `grpc-timeout` in milliseconds. */
  readonly timeoutMs: number | undefined;
  /**
   * What the peer's certificate calls it: names and URIs of its SAN. Empty without a certificate,
   * which is asked for where there is a `clientCa`.
   */
  readonly peerNames: readonly string[];
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /**
   * Ends the call. What comes after the first reply is ignored. A reply may be given at any time,
   * also from within `begin`.
   */
  reply(reply: UnaryReply): void;
}

/** What a handler does with one call. None of these may throw. */
export interface UnaryExchange {
  /** A longer message is refused with RESOURCE_EXHAUSTED before its bytes are read. */
  readonly maxMessageBytes: number;
  /** Its length is known, its bytes are not read yet: a reply refuses it. */
  length(bytes: number): UnaryReply | undefined;
  /** So many bytes of it are about to be held, rising from call to call: a reply refuses them. */
  holds?(bytes: number): UnaryReply | undefined;
  /**
   * Whether the rest of its body has to wait, as others came first: then `reader` is told once to
   * go on, unless the call ends before. Asked while there is little room, after bytes were read.
   * node:http2 does not ask: what comes for a stream that is not read it keeps itself, as much as
   * the stream's window allows, where nobody counts it.
   */
  holdBack?(reader: WaitingReader): boolean;
  /**
   * What it is read into; that of the process without it. Where this has no room, it refuses the
   * call by itself.
   */
  readonly memory?: BodyMemory;
  /**
   * The whole message, which is that of `body`, to be released by the handler. `compressed` is the
   * message's own flag.
   */
  message(bytes: Uint8Array, compressed: boolean, body: Extent): void;
  /**
   * The peer went away or reset the call before a reply, or broke the protocol: called at most
   * once, and no reply is possible.
   */
  cancelled(): void;
}

/**
 * Called at a call's headers, before its body is read: what to do with it, or undefined when it has
 * been replied to.
 */
export type UnaryHandler = (call: UnaryCall) => UnaryExchange | undefined;

export interface UnaryRequest {
  readonly path: string;
  /** Lower-case names; pseudo, `te`, `content-type` and grpc headers are the transport's own. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The message in pieces, without the 5-byte prefix; borrowed until the call is done. */
  readonly pieces: readonly Uint8Array[];
  /**
   * Of the pieces: retained for as long as they may be read after the call is done. Without one
   * they are never used again.
   */
  readonly owner?: BytesOwner | undefined;
  readonly messageBytes: number;
  /** `grpc-encoding` of the message; `identity` is sent with the flag unset. */
  readonly encoding: "identity" | "gzip" | "zstd";
  /** Sent as `grpc-timeout`, and kept by the client itself. */
  readonly timeoutMs: number;
}

export type UnaryResult =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly text: string;
      readonly details: Uint8Array | undefined;
      /** The reply message, empty unless status is 0. */
      readonly message: Uint8Array;
      /** There was a message, or part of one, and it cannot be read. */
      readonly unreadable?: true;
      /** How the message is compressed, when its flag says that it is. */
      readonly messageEncoding?: string;
      /** `retry-after` or `grpc-retry-pushback-ms` of the reply, when a proxy sent one. */
      readonly retryAfterMs?: number;
      /**
       * `endpoint-load-metrics` of the reply's trailers or head: what the peer says of its own load
       * (xDS, ORCA).
       */
      readonly loadReport?: string;
    }
  | {
      readonly kind: "failed";
      /**
       * `stale`: its connection was kept, had no calls when it began, and was lost before anything
       * came.
       */
      readonly reason:
        | "connect"
        | "reset"
        | "stale"
        | "timeout"
        | "protocol"
        | "too_large"
        | "cancelled"
        | "http_status";
      readonly text: string;
      /**
       * True when the peer certainly did not process the call: it may be sent again without making
       * a duplicate.
       */
      readonly unprocessed: boolean;
      /** The HTTP status, when the peer answered without gRPC. */
      readonly httpStatus?: number;
      readonly retryAfterMs?: number;
    };

/**
 * One peer: a few connections, opened when needed and opened again when lost. Disposing it lets
 * what is under way run to its end.
 */
export interface UnaryClient extends AsyncDisposable {
  /** Ends all calls with `cancelled`. */
  cancelAll(): void;
  /**
   * `done` is called exactly once, never from within `unary`. Cancelling resets the call; `done`
   * then says `cancelled`.
   */
  unary(request: UnaryRequest, done: (result: UnaryResult) => void): Cancel;
}

export interface TlsClientOptions {
  /** PEM of the authorities to trust; without it those of the system. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface UnaryClientOptions {
  /** `http://host:port` or `https://host:port`; a path in it is not used. */
  readonly url: string;
  readonly tls?: TlsClientOptions;
  /** Dialled instead of the URL's host, which stays the name that the peer is called by. */
  readonly address?: string;
  /**
   * Connections are tunnels through it; names are looked up there, and `address` is of no meaning.
   */
  readonly proxy?: TunnelProxy;
  /** How many connections at most. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** The message of a longer reply is not kept. */
  readonly maxResponseBytes: number;
  /** While calls are under way, a PING is sent after this time without a byte; 0: never. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly userAgent: string;
  /**
   * Told once of a connection that ended by an error of the protocol; node:http2 tells of none.
   * Must not throw.
   */
  readonly onFault?: (reason: ConnectionFault, peer: string) => void;
}

/**
 * Whether there is room for what peers send: while there is none, they are given no more credit.
 */
export interface Backpressure {
  readonly full: boolean;
  /** So little is left that bodies are asked about (UnaryExchange.holdBack). */
  readonly crowded: boolean;
  /** `run` is called once, when it is full no more. */
  onceRoom(run: () => void): Cancel;
}

export interface UnaryServerOptions extends ListeningPlace {
  readonly tls?: TlsServerOptions | undefined;
  readonly handler: UnaryHandler;
  readonly maxConcurrentStreams: number;
  readonly maxHeaderBytes: number;
  /** A connection is asked to go away after this time, +-10 %; 0: never. */
  readonly maxConnectionAgeMs: number;
  /** What a connection that was asked to go away gets to end its calls. */
  readonly maxConnectionAgeGraceMs: number;
  /**
   * A connection without a call is asked to go away after this time; 0: never. node:http2 leaves it
   * to the age.
   */
  readonly maxConnectionIdleMs?: number;
  /** A PING is sent after this time without a frame; 0: never. */
  readonly keepaliveTimeMs: number;
  /** The connection is closed when a PING is not answered within this time. */
  readonly keepaliveTimeoutMs: number;
  /**
   * Told once of a connection that ended by an error of the protocol; node:http2 tells of none.
   * Must not throw.
   */
  readonly onFault?: (reason: ConnectionFault, peer: string) => void;
  /** node:http2 gives credit by itself, and does not ask. */
  readonly pressure?: Backpressure;
}
