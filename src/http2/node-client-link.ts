import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import type { LinkOwner, PooledCall, PooledLink } from "./client-pool.ts";
import type { PingPolicy } from "./liveness.ts";
import type { DialledSocket } from "./tunnel-stream.ts";
import { watchLiveness } from "./node-liveness.ts";
import { keepNative, keepNativeFor } from "./node-natives.ts";
import {
  CONNECTION_WINDOW_BYTES,
  MAX_FRAME_BYTES,
  MAX_SESSION_MEMORY_MB,
  STREAM_WINDOW_BYTES,
} from "./session-settings.ts";

interface LinkOptions {
  readonly url: URL;
  readonly dial: () => DialledSocket;
  readonly connectTimeoutMs: number;
  readonly pings: PingPolicy;
}

/** One connection of the client, on a session of node:http2. */
export class NodeClientLink implements PooledLink {
  readonly #session: ClientHttp2Session;
  readonly #socket: DialledSocket;
  readonly #owner: LinkOwner<NodeClientLink>;
  readonly #timers: Cancel[] = [];
  #state: "connecting" | "ready" | "leaving" = "connecting";
  #lastStreamId = Number.POSITIVE_INFINITY;
  #active = 0;
  /** Calls that are not settled: of those that are, the streams may close a little later. */
  readonly #unsettled = new Set<PooledCall<NodeClientLink>>();
  /** It was not opened for the calls that come: those have had it. */
  #kept = false;
  #wasReady = false;
  #ended = false;
  #text = "the connection was closed";

  constructor(options: LinkOptions, owner: LinkOwner<NodeClientLink>, clock: Clock) {
    this.#owner = owner;
    this.#socket = options.dial();
    this.#session = http2.connect(options.url, {
      createConnection: () => this.#socket,
      maxSessionMemory: MAX_SESSION_MEMORY_MB,
      settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: MAX_FRAME_BYTES, enablePush: false },
    });
    this.#listen(options.pings);
    const connecting = clock.after(options.connectTimeoutMs, () => {
      this.#destroy(`no connection within ${options.connectTimeoutMs} ms`);
    });
    this.#timers.push(connecting);
    this.#session.once("remoteSettings", () => {
      connecting();
      this.#becomeReady(options, clock);
    });
  }

  get state(): "connecting" | "ready" | "leaving" {
    return this.#state;
  }

  /** False for a connection that never came about. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** Calls whose streams are open. */
  get active(): number {
    return this.#active;
  }

  /** Whether one more call may be started, by the peer's MAX_CONCURRENT_STREAMS. */
  get hasRoom(): boolean {
    if (this.#state !== "ready") return false;
    return this.#active < (this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
  }

  /** Opens a stream; throws when node refuses the headers. The caller listens to its errors. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: false });
    keepNativeFor(stream);
    this.#active++;
    stream.once("close", () => {
      this.#active--;
      this.#closeWhenIdle();
      this.#owner.released();
    });
    return stream;
  }

  /** It was there before, and has no calls now. */
  get isKept(): boolean {
    return this.#kept && this.#unsettled.size === 0;
  }

  begun(call: PooledCall<NodeClientLink>): void {
    this.#unsettled.add(call);
  }

  settled(call: PooledCall<NodeClientLink>): void {
    this.#unsettled.delete(call);
    this.#closeWhenIdle();
  }

  cancelCalls(): void {
    for (const call of this.#unsettled) call.abandon("cancelled", "the client is closed");
  }

  /** It was dead when it was used again. */
  stale(): void {
    this.#state = "leaving";
    this.#owner.stale();
  }

  /** Its socket is gone, or is about to. */
  get isLost(): boolean {
    return this.#session.destroyed || this.#socket.destroyed || this.#session.closed;
  }

  /** Bytes that the peer has sent. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /**
   * A call timed out, and no byte came meanwhile: no more calls, and the socket goes with the last
   * of them.
   */
  replace(): void {
    this.#state = "leaving";
    this.#text = "the peer was silent until a call timed out";
    this.#closeWhenIdle();
  }

  /** By GOAWAY, the peer never looked at the stream. */
  ignored(streamId: number): boolean {
    return streamId > this.#lastStreamId;
  }

  /** Takes no more calls, and closes when those under way have ended. */
  leave(): void {
    this.#state = "leaving";
    this.#session.close();
    this.#closeWhenIdle();
  }

  /**
   * Without calls nothing of worth can come: node would wait for the peer to close, too. Streams of
   * calls that are settled are not waited for: after GOAWAY and then a fault of the peer's, node
   * reads no more, and they stay open.
   */
  #closeWhenIdle(): void {
    if (this.#state === "leaving" && this.#unsettled.size === 0) this.#destroySocket();
  }

  #destroySocket(): void {
    setImmediate(() => this.#socket.destroy()); // the GOAWAY goes first
  }

  #destroy(text: string): void {
    this.#text = text;
    this.#session.destroy(new Error(text), constants.NGHTTP2_CANCEL);
    this.#destroySocket();
  }

  #listen(pings: PingPolicy): void {
    const session = this.#session;
    // Of session and socket either may be the one that hears of an error, or of the end. After an
    // error node would keep the socket until what it has written is read, which may be never.
    for (const part of [session, this.#socket]) {
      part.on("error", (cause: Error) => {
        this.#text = reasonOf(cause);
        this.#destroySocket();
      });
      part.once("close", () => this.#end());
    }
    session.on("goaway", (code: number, lastStreamId: number, debug?: Buffer) => {
      pings.heed(debug?.toString("latin1") ?? "");
      this.#state = "leaving";
      this.#lastStreamId = lastStreamId;
      this.#text = `the peer sent GOAWAY with code ${code}`;
      this.#closeWhenIdle();
    });
    session.once("connect", () => {
      keepNative(session);
      if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#state = "leaving";
    for (const cancel of this.#timers) cancel();
    this.#owner.gone(this, this.#text);
  }

  #becomeReady(options: LinkOptions, clock: Clock): void {
    if (this.#state !== "connecting") return;
    this.#state = "ready";
    this.#wasReady = true;
    // Without calls under way no PING: servers take those amiss (too_many_pings), and nobody waits
    // for an answer.
    const lost = (): void => this.#destroy("the peer does not answer a PING");
    const wanted = (): boolean => this.#active > 0;
    this.#timers.push(
      watchLiveness({ session: this.#session, socket: this.#socket }, { limits: options.pings, wanted, lost }, clock),
    );
    this.#owner.ready();
    this.#kept = true;
  }
}
