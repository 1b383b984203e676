import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Cancel } from "../../core/clock.ts";
import type { Reply, RequestHead } from "./request.ts";

/** A request that was admitted and read whole: what the next stage gets. */
export interface ReceivedRequest {
  readonly head: RequestHead;
  /**
   * A whole, uncompressed protobuf Export request. Whoever reads it after having returned has
   * retained `owner`.
   */
  readonly bytes: Uint8Array;
  readonly owner: BytesOwner;
  /**
   * Things (spans, data points, log records) rejected while JSON was transcoded: to be added to the
   * reply.
   */
  readonly rejected: number;
  /** Why, for people; empty when nothing was rejected. */
  readonly message: string;
}

/** What follows on receive: data/pipeline.ts. */
export interface RequestHandler {
  /**
   * Scans, routes and queues. `done` is called exactly once, maybe at once, and also after a
   * cancel. The returned function says that the sender went away; after `done` it does nothing.
   * Neither throws.
   */
  handle(request: ReceivedRequest, done: (reply: Reply) => void): Cancel;
}
