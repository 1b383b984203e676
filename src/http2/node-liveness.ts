import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../core/clock.ts";

export interface LivenessOptions {
  /** After this time without a byte from the peer it is asked for an answer; 0: never. */
  readonly timeMs: number;
  /** No answer within this time: `lost` is called, once. */
  readonly timeoutMs: number;
  /** Whether it matters now that the peer is there. */
  readonly wanted: () => boolean;
  readonly lost: () => void;
}

/**
 * Notices a peer that is gone without a word. Looks once in `timeMs` whether bytes came, which costs nothing per frame,
 * so that the PING goes out between one and two times `timeMs` after the last byte.
 */
export function watchLiveness(
  connection: { readonly session: Http2Session; readonly socket: Socket },
  options: LivenessOptions,
  clock: Clock,
): Cancel {
  const { session, socket } = connection;
  if (options.timeMs <= 0) return nothing;
  let seen = socket.bytesRead;
  let cancel = nothing;
  const heard = (): boolean => {
    const before = seen;
    seen = socket.bytesRead;
    return seen !== before;
  };
  const look = (): void => {
    if (heard() || !options.wanted()) {
      cancel = clock.after(options.timeMs, look);
      return;
    }
    cancel = clock.after(options.timeoutMs, judge);
    if (!session.destroyed) session.ping(nothing);
  };
  const judge = (): void => {
    // Any byte is a sign of life: the answer may stand behind a large message.
    if (heard()) cancel = clock.after(options.timeMs, look);
    else options.lost();
  };
  cancel = clock.after(options.timeMs, look);
  return () => cancel();
}

function nothing(): void {}
