import { type ConnectionEvents, type CreditTo, H2_ERROR } from "../contract.ts";
import type { ConnectionParts } from "./connection-parts.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import type { Stream } from "./stream.ts";

interface BodyIntakeParts extends Pick<ConnectionParts, "streams" | "outbound" | "faults" | "leftovers"> {
  readonly events: ConnectionEvents;
  /** Of the whole connection. */
  readonly window: ReceiveWindow;
}

/** DATA: flow control, content-length, and who gets the bytes (RFC 9113, 5.2, 6.1 and 8.1.1). */
export class BodyIntake {
  readonly #parts: BodyIntakeParts;
  /**
   * Of the frame under way: its stream, or undefined when its bytes are dropped; and whether it
   * ends the stream.
   */
  #stream: Stream | undefined = undefined;
  #ends = false;

  constructor(parts: BodyIntakeParts) {
    this.#parts = parts;
  }

  /** A frame begins: everything is checked before a byte of it is passed on. */
  begin(id: number, flowBytes: number, bodyBytes: number, ends: boolean): void {
    const { streams, faults, window } = this.#parts;
    this.#stream = undefined;
    this.#ends = ends;
    if (!window.take(flowBytes, bodyBytes)) {
      faults.connection(H2_ERROR.FLOW_CONTROL_ERROR, "flow_control");
      return;
    }
    const stream = streams.get(id);
    if (stream === undefined ? this.#absent(id, bodyBytes) : this.#admit(stream, flowBytes, bodyBytes)) {
      this.#stream = stream;
      if (flowBytes > bodyBytes && stream !== undefined) this.update(stream);
    } else {
      window.give(bodyBytes); // what is dropped still counts: RFC 9113, 5.1
    }
    if (flowBytes > bodyBytes || this.#stream === undefined) this.#updateConnection();
  }

  bytes(piece: Uint8Array, last: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const end = last && this.#ends;
    if (stream.closed) {
      // Its owner closed it in the middle of the frame.
      this.#parts.window.give(piece.length);
      this.#updateConnection();
      return;
    }
    if (end) {
      stream.endRemote();
      if (!stream.localOpen) this.#parts.outbound.close(stream);
    }
    if (stream.discarding) this.#drop(stream, piece.length, end);
    else if (piece.length > 0 || end) this.#parts.events.data(stream.id, piece, end);
  }

  /** The owner took bytes: see Connection.credit. */
  credit(id: number, bytes: number, to: CreditTo): void {
    if (to !== "stream") {
      this.#parts.window.give(bytes);
      this.#updateConnection();
    }
    if (to === "connection") return;
    const stream = this.#parts.streams.get(id);
    if (stream === undefined) return;
    stream.receive?.give(bytes);
    this.update(stream);
  }

  /** Tells the peer of credit for a stream, unless it sends nothing more on it. */
  update(stream: Stream): void {
    if (stream.receive === undefined || stream.discarding) return;
    this.#tell(stream.id, stream.receive.update());
  }

  /** Nothing of it is kept. */
  #drop(stream: Stream, bytes: number, end: boolean): void {
    this.#parts.window.give(bytes);
    this.#updateConnection();
    if (end) this.#parts.leftovers.ended(stream);
    else this.#parts.leftovers.dropped(stream, bytes);
  }

  #updateConnection(): void {
    const due = this.#parts.window.update();
    if (!this.#parts.faults.over) this.#tell(0, due);
  }

  #tell(id: number, credit: number): void {
    if (credit === 0) return;
    this.#parts.outbound.writer.windowUpdate(id, credit);
    this.#parts.faults.creditTold();
  }

  /** Always false: nobody gets the bytes. */
  #absent(id: number, bodyBytes: number): false {
    const { streams, faults } = this.#parts;
    const absence = streams.absence(id);
    if (absence === "idle") faults.protocol();
    else if (absence !== "reset") faults.protocol(H2_ERROR.STREAM_CLOSED);
    else this.#isWorth(bodyBytes);
    return false;
  }

  /** False: the stream is over. */
  #admit(stream: Stream, flowBytes: number, bodyBytes: number): boolean {
    const { faults } = this.#parts;
    if (stream.receive === undefined) {
      faults.stream(stream, H2_ERROR.STREAM_CLOSED);
      return false;
    }
    if (!stream.receive.take(flowBytes, bodyBytes)) {
      faults.stream(stream, H2_ERROR.FLOW_CONTROL_ERROR);
      return false;
    }
    if (!stream.headCame || !this.#isPromised(stream, bodyBytes)) {
      faults.stream(stream, H2_ERROR.PROTOCOL_ERROR);
      return false;
    }
    return this.#ends || this.#isWorth(bodyBytes);
  }

  /** False: one frame too many with nothing, or little, in it. */
  #isWorth(bodyBytes: number): boolean {
    const { faults } = this.#parts;
    return bodyBytes === 0 ? faults.idleFrame("empty_frame_flood") : faults.dataFrame(bodyBytes);
  }

  /** Content-length is kept to: RFC 9113, 8.1.1. */
  #isPromised(stream: Stream, bodyBytes: number): boolean {
    if (stream.bodyLeft < 0) return true;
    stream.bodyLeft -= bodyBytes;
    return stream.bodyLeft === 0 || (stream.bodyLeft > 0 && !this.#ends);
  }
}
