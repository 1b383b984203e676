import type { Http2Session } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import { Liveness, type LivenessOptions } from "./liveness.ts";

interface LivenessWatchOptions {
  readonly limits: LivenessOptions;
  /** Whether it matters now that the peer is there. */
  readonly wanted: () => boolean;
  /** Called once. */
  readonly lost: () => void;
}

/** Watches the peer of a session, by the bytes that come from its socket. */
export function watchLiveness(
  connection: { readonly session: Http2Session; readonly socket: { readonly bytesRead: number } },
  options: LivenessWatchOptions,
  clock: Clock,
): Cancel {
  const { session, socket } = connection;
  const { limits } = options;
  if (limits.timeMs <= 0) return nothing;
  const liveness = new Liveness(limits, clock.nowMs(), socket.bytesRead);
  let cancel = nothing;
  const check = (): void => {
    const nowMs = clock.nowMs();
    const found = liveness.check(nowMs, socket.bytesRead, options.wanted());
    if (found === "lost") {
      options.lost();
      return;
    }
    cancel = clock.after(liveness.dueMs - nowMs, check);
    if (found === "ping" && !session.destroyed) session.ping(nothing);
  };
  cancel = clock.after(limits.timeMs, check);
  return () => cancel();
}

function nothing(): void {}
