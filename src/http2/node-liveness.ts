import { constants, type Http2Session } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";

export interface LivenessOptions {
  /** After this time without a byte from the peer it is asked for an answer; 0: never. */
  readonly timeMs: number;
  /** No answer within this time: the session is destroyed. */
  readonly timeoutMs: number;
  /** Whether it matters now that the peer is there. */
  readonly wanted: () => boolean;
}

/**
 * Notices a peer that is gone without a word. Looks once in `timeMs` whether bytes came, which costs nothing per frame,
 * so that the PING goes out between one and two times `timeMs` after the last byte.
 */
export function watchLiveness(session: Http2Session, options: LivenessOptions, clock: Clock): Cancel {
  if (options.timeMs <= 0) return nothing;
  let seen = session.socket.bytesRead;
  let cancel = nothing;
  const heard = (): boolean => {
    const before = seen;
    seen = session.socket.bytesRead;
    return seen !== before;
  };
  const look = (): void => {
    if (session.destroyed) return;
    if (heard() || !options.wanted()) {
      cancel = clock.after(options.timeMs, look);
      return;
    }
    cancel = clock.after(options.timeoutMs, judge);
    session.ping(nothing);
  };
  const judge = (): void => {
    if (session.destroyed) return;
    // Any byte is a sign of life: the answer may stand behind a large message.
    if (heard()) cancel = clock.after(options.timeMs, look);
    else session.destroy(new Error("the peer does not answer"), constants.NGHTTP2_CANCEL);
  };
  cancel = clock.after(options.timeMs, look);
  return () => cancel();
}

function nothing(): void {}
