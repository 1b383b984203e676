import { viewBuffer } from "../../../core/bytes.ts";
import { type ConnectionEvents, type ConnectionFault, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import type { FrameSink } from "../frames/frame-sink.ts";
import type { ConnectionParts } from "./connection-parts.ts";
import type { HeaderBlockIntake } from "./header-block-intake.ts";
import { readSettings } from "./settings.ts";

/** What a peer's SETTINGS mean that do not limit streams. */
const UNLIMITED = 0xffff_ffff;

interface InboundParts
  extends Pick<ConnectionParts, "streams" | "outbound" | "ending" | "faults" | "body" | "leftovers"> {
  readonly role: "server" | "client";
  readonly events: ConnectionEvents;
  readonly headers: HeaderBlockIntake;
  /** The peer acknowledged our SETTINGS: called once. */
  readonly settled: () => void;
}

/** What the peer's frames do. HEADERS and DATA have files of their own. */
export class Inbound implements FrameSink {
  readonly #parts: InboundParts;
  #settled = false;
  #settingsCame = false;
  #maxConcurrentStreams = UNLIMITED;
  #maxHeaderListBytes = Number.POSITIVE_INFINITY;

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  get over(): boolean {
    return this.#parts.faults.over;
  }

  /** The peer has acknowledged our SETTINGS. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Undefined until the peer's first SETTINGS. */
  get peerMaxStreams(): number | undefined {
    return this.#settingsCame ? this.#maxConcurrentStreams : undefined;
  }

  /** What the peer said it takes of one header list. */
  get peerMaxHeaderListBytes(): number {
    return this.#maxHeaderListBytes;
  }

  dataBegins(stream: number, flowBytes: number, bodyBytes: number, endStream: boolean): void {
    this.#parts.body.begin(stream, flowBytes, bodyBytes, endStream);
  }

  dataBytes(piece: Uint8Array, last: boolean): void {
    this.#parts.body.bytes(piece, last);
  }

  headerBlock(stream: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#parts.headers.take(stream, bytes, start, end, endStream);
  }

  priority(): void {
    this.#parts.faults.idleFrame("priority_flood");
  }

  rstStream(id: number, code: H2ErrorCode): void {
    const { streams, faults, outbound, events, role } = this.#parts;
    const stream = streams.get(id);
    if (stream === undefined) {
      if (streams.absence(id) === "idle") faults.protocol();
      else faults.idleFrame("rapid_reset"); // it crossed the end of the stream
      return;
    }
    const early = role === "server" && !stream.headSent;
    const discarding = stream.discarding;
    outbound.close(stream);
    if (!discarding) events.reset(id, code, true);
    if (early) faults.earlyReset(stream);
  }

  settings(bytes: Uint8Array, start: number, end: number): void {
    const { role, faults, outbound, events } = this.#parts;
    if (this.#settingsCame && !faults.idleFrame("settings_flood")) return;
    this.#settingsCame = true;
    const read = readSettings(role, bytes, start, end);
    if (read.error !== H2_ERROR.NO_ERROR) {
      faults.connection(read.error, read.error === H2_ERROR.FLOW_CONTROL_ERROR ? "flow_control" : "protocol_error");
      return;
    }
    for (const tableBytes of read.tableBytes) outbound.setTableBytes(tableBytes);
    if (read.maxFrameBytes !== undefined) outbound.setMaxFrameBytes(read.maxFrameBytes);
    if (read.initialWindow !== undefined && !outbound.setInitialWindow(read.initialWindow)) {
      faults.connection(H2_ERROR.FLOW_CONTROL_ERROR, "flow_control");
      return;
    }
    this.#maxConcurrentStreams = read.maxConcurrentStreams ?? this.#maxConcurrentStreams;
    this.#maxHeaderListBytes = read.maxHeaderListBytes ?? this.#maxHeaderListBytes;
    outbound.writer.settingsAck();
    events.settings(this.#maxConcurrentStreams);
  }

  settingsAck(): void {
    if (this.#settled) {
      this.#parts.faults.idleFrame("settings_flood");
      return;
    }
    this.#settled = true;
    this.#parts.settled();
  }

  ping(bytes: Uint8Array, start: number): void {
    if (this.#parts.faults.idleFrame("ping_flood")) this.#parts.outbound.writer.ping(bytes, start, true);
  }

  pong(bytes: Uint8Array, start: number): void {
    const { faults, ending, leftovers, events } = this.#parts;
    if (!faults.idleFrame("ping_flood") || ending.pong(bytes, start) || leftovers.pong(bytes, start)) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, 8);
    events.pong(view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4));
  }

  goaway(lastStream: number, code: H2ErrorCode, debug: Uint8Array): void {
    const text = viewBuffer(debug).toString("utf8");
    if (this.#parts.faults.idleFrame("unknown_frame_flood")) this.#parts.ending.peerLeaves(lastStream, code, text);
  }

  windowUpdate(id: number, increment: number): void {
    const { faults, outbound, streams } = this.#parts;
    if (!faults.idleFrame("window_update_flood")) return;
    if (id === 0) {
      if (increment === 0) faults.protocol();
      else if (!outbound.credit(increment)) faults.connection(H2_ERROR.FLOW_CONTROL_ERROR, "flow_control");
      return;
    }
    const stream = streams.get(id);
    if (stream === undefined) {
      if (streams.absence(id) === "idle") faults.protocol();
    } else if (increment === 0) {
      faults.stream(stream, H2_ERROR.PROTOCOL_ERROR);
    } else if (!outbound.creditStream(stream, increment)) {
      faults.stream(stream, H2_ERROR.FLOW_CONTROL_ERROR);
    }
  }

  unknownFrame(): void {
    this.#parts.faults.idleFrame("unknown_frame_flood");
  }

  streamViolation(id: number, code: H2ErrorCode): void {
    const { streams, faults } = this.#parts;
    const stream = streams.get(id);
    if (stream !== undefined) faults.stream(stream, code);
    else if (streams.absence(id) === "idle") faults.connection(code, "frame_size");
    else faults.idleFrame("priority_flood");
  }

  violation(code: H2ErrorCode, fault: ConnectionFault): void {
    this.#parts.faults.connection(code, fault);
  }
}
