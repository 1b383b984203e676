import { type ConnectionEvents, type ConnectionLimits, H2_ERROR, type HeaderList } from "../contract.ts";
import { DEFAULT_TABLE_BYTES } from "../frames/frame-types.ts";
import { HpackDecoder } from "../hpack/decoder.ts";
import { type BlockFacts, examineBlock } from "./block-facts.ts";
import type { ConnectionParts } from "./connection-parts.ts";
import { Stream } from "./stream.ts";

interface HeaderIntakeParts extends Pick<ConnectionParts, "streams" | "outbound" | "ending" | "faults" | "newWindow"> {
  readonly role: "server" | "client";
  readonly limits: ConnectionLimits;
  readonly events: ConnectionEvents;
}

/**
 * Header blocks: what they decode to, which stream they open or end, and whether they may (RFC
 * 9113, 5.1, 8.1 to 8.3).
 */
export class HeaderBlockIntake {
  readonly #parts: HeaderIntakeParts;
  readonly #hpack: HpackDecoder<BlockFacts>;
  /** The peer knows how many streams it may open. */
  #settled = false;

  constructor(parts: HeaderIntakeParts) {
    this.#parts = parts;
    const { maxHeaderListBytes, maxHeaderCount, headerTableBytes } = parts.limits;
    const tableBytes = Math.max(headerTableBytes, DEFAULT_TABLE_BYTES);
    const limits = { maxListBytes: maxHeaderListBytes, maxFields: maxHeaderCount, tableBytes };
    this.#hpack = new HpackDecoder(limits, DEFAULT_TABLE_BYTES, examineBlock);
  }

  /** The peer acknowledged our SETTINGS. */
  settle(): void {
    this.#settled = true;
    this.#hpack.limitTable(this.#parts.limits.headerTableBytes);
  }

  /**
   * One whole block; it is decoded whatever becomes of it, because the table must follow the
   * peer's.
   */
  take(id: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const { streams, faults, role } = this.#parts;
    const block = this.#hpack.decode(bytes, start, end);
    if (block === undefined) {
      if (this.#hpack.gaveUp) faults.connection(H2_ERROR.ENHANCE_YOUR_CALM, "header_list_too_large");
      else faults.connection(H2_ERROR.COMPRESSION_ERROR, "compression");
      return;
    }
    const stream = streams.get(id);
    if (stream !== undefined) this.#next(stream, block.headers, block.facts, endStream);
    else if (role === "server" && id % 2 === 1 && id > streams.highest)
      this.#open(id, block.headers, block.facts, endStream);
    else this.#absent(id);
  }

  #absent(id: number): void {
    const { streams, faults } = this.#parts;
    switch (streams.absence(id)) {
      case "reset":
        faults.idleFrame("empty_frame_flood");
        return;
      case "ended":
        faults.protocol(H2_ERROR.STREAM_CLOSED);
        return;
      default:
        faults.protocol(); // RFC 9113, 5.1.1
    }
  }

  /** A client's request begins. */
  #open(id: number, headers: HeaderList, facts: BlockFacts | undefined, endStream: boolean): void {
    const { streams, faults, ending, outbound, limits, events } = this.#parts;
    streams.pass(id);
    if (!ending.takesStreams || streams.size >= limits.maxConcurrentStreams) {
      this.#refuse(id);
    } else if (facts === undefined) {
      faults.unknownStream(id, H2_ERROR.ENHANCE_YOUR_CALM);
    } else if (facts.kind !== "request" || (endStream && facts.contentLength > 0)) {
      faults.unknownStream(id, H2_ERROR.PROTOCOL_ERROR);
    } else {
      const stream = new Stream(id, this.#parts.newWindow(), outbound.initialWindow, faults.nowMs);
      stream.headCame = true;
      faults.messageBegins();
      stream.bodyLeft = facts.contentLength;
      if (endStream) stream.endRemote();
      streams.add(stream);
      events.headers(id, headers, endStream);
    }
  }

  /**
   * No fault as long as the peer may not know better: of our GOAWAY, or of our SETTINGS (RFC 9113,
   * 5.1.2 and 6.8).
   */
  #refuse(id: number): void {
    const { faults, ending, outbound } = this.#parts;
    if (this.#settled && ending.takesStreams) faults.unknownStream(id, H2_ERROR.REFUSED_STREAM);
    else if (faults.idleFrame("stream_errors")) outbound.refuse(id, H2_ERROR.REFUSED_STREAM);
  }

  /** A block on a stream that is there: a reply's head, or trailers. */
  #next(stream: Stream, headers: HeaderList, facts: BlockFacts | undefined, endStream: boolean): void {
    const { faults, events } = this.#parts;
    if (!stream.remoteOpen) {
      faults.stream(stream, H2_ERROR.STREAM_CLOSED);
    } else if (facts === undefined) {
      faults.stream(stream, H2_ERROR.ENHANCE_YOUR_CALM);
    } else if (!mayFollow(stream, facts, endStream)) {
      faults.stream(stream, H2_ERROR.PROTOCOL_ERROR);
    } else if (facts.kind === "informational") {
      faults.idleFrame("empty_frame_flood"); // 1xx: nobody here waits for one
    } else {
      if (!stream.headCame) this.#headOf(stream, facts);
      if (endStream) this.#endRemote(stream);
      if (!stream.discarding) events.headers(stream.id, headers, endStream);
    }
  }

  #headOf(stream: Stream, facts: BlockFacts): void {
    stream.headCame = true;
    if (!facts.bodiless) stream.bodyLeft = facts.contentLength;
    this.#parts.faults.messageBegins();
  }

  #endRemote(stream: Stream): void {
    stream.endRemote();
    if (!stream.localOpen) this.#parts.outbound.close(stream);
  }
}

/**
 * RFC 9113, 8.1: one final head, then a body as long as it says, then at most one block of
 * trailers, which ends the stream.
 */
function mayFollow(stream: Stream, facts: BlockFacts, endStream: boolean): boolean {
  if (stream.headCame) return facts.kind === "trailers" && endStream && stream.bodyLeft <= 0;
  if (facts.kind === "informational") return !endStream;
  if (facts.kind !== "response") return false;
  return !endStream || facts.bodiless || facts.contentLength <= 0;
}
