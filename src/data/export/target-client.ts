import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Cancel } from "../../core/clock.ts";
import type { Compression } from "../../otlp/compress.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** What is sent to a target in one call: parcels of one signal, one after the other. */
export interface Batch {
  readonly signal: Signal;
  /** Borrowed until `done`. Concatenated they are one Export request. */
  readonly pieces: readonly Uint8Array[];
  /**
   * Of the pieces, retained by whoever may read them after `done`. Without one they are never used
   * again.
   */
  readonly owner?: BytesOwner | undefined;
  readonly bytes: number;
  /** How the pieces are compressed already; `protobuf`, and without one: not at all. */
  readonly encoding?: "protobuf" | Compression;
  readonly items: number;
  readonly points: number;
  /** What the target is passed on of its senders' headers: all that is in it came with the same. */
  readonly headers: SenderHeaders;
  /**
   * For a node of the fleet: over so many links between nodes all of it has come when it is there.
   */
  readonly hops?: number;
  /** And through these nodes: a value of PATH_HEADER. */
  readonly path?: string;
  /**
   * If it is refused, perhaps for its size, nothing smaller will be tried: it cannot be split, or
   * is the half that is tried once.
   */
  readonly decisive?: boolean;
  /**
   * Some of it was on a kept connection that was found dead, and is sent on a new one: this is not
   * forgiven twice.
   */
  readonly again?: boolean;
}

/**
 * Told how a send ended, and what the target said of its own load in its answer
 * (data/load/reported-load.ts).
 */
export type SendDone = (outcome: SendOutcome, loadReport?: string) => void;

/** One peer that takes batches. Disposing it ends what is under way with `cancelled`. */
export interface TargetClient extends AsyncDisposable {
  /**
   * `done` is called exactly once, never from within `send`. Cancelling ends the call with
   * `cancelled`.
   */
  send(batch: Batch, timeoutMs: number, done: SendDone): Cancel;
}
