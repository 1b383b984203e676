import type { BytesOwner } from "../../core/arena/extent.ts";
import type { ContentEncoding } from "../../otlp/encoding.ts";
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

/**
 * Whom the next stage tells the reply. An object, as what `handle` gives: two closures for each
 * request that waits are 190 bytes with their contexts.
 */
export interface ReplyTaker {
  replied(reply: Reply): void;
}

/** The same as it came: compressed, and nothing of it read. */
export interface UnreadRequest extends Pick<ReceivedRequest, "head" | "bytes" | "owner"> {
  readonly encoding: ContentEncoding;
}

/** Whom the next stage tells the reply to a request that it took unread. */
export interface UnreadTaker extends ReplyTaker {
  /**
   * In place of a reply: it has to be inflated after all. The bytes are there until whoever is told
   * releases their owner.
   */
  sentBack(bytes: Uint8Array, owner: BytesOwner, encoding: ContentEncoding): void;
}

/** A request that the next stage has. */
export interface HandledRequest {
  /** Its sender went away. After its reply it does nothing. */
  cancel(): void;
}

/** What follows on receive: data/pipeline.ts. */
export interface RequestHandler {
  /**
   * Scans, routes and queues. `to` is told exactly once, maybe at once, and also after a cancel.
   * Neither throws.
   */
  handle(request: ReceivedRequest, to: ReplyTaker): HandledRequest;
  /** Takes a request in protobuf unread, where that can be; undefined: it is to be inflated. */
  pass?(request: UnreadRequest, to: UnreadTaker): HandledRequest | undefined;
}
