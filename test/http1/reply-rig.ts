import {
  REPLY_LIMITS,
  type ReplyBreach,
  type ReplyEvents,
  type ReplyFault,
  type ReplyHead,
} from "../../src/http1/client/contract.ts";
import { HttpReplyReader } from "../../src/http1/client/reply-reader.ts";
import { KnownHeads } from "../../src/http1/own/known-head.ts";

/** What was read of one reply. */
export interface SeenReply {
  readonly head: ReplyHead;
  body: string;
  /** `last`: and the connection is not used again. */
  end: "open" | "whole" | "last";
}

/** What comes on one connection, in memory. */
export class ReplyRig implements ReplyEvents {
  readonly replies: SeenReply[] = [];
  fault: ReplyFault | undefined;
  message = "";
  /** Of a head that was refused. */
  refused: string | undefined;
  readonly #reader: HttpReplyReader;

  constructor(heads = new KnownHeads<ReplyHead>()) {
    this.#reader = new HttpReplyReader(REPLY_LIMITS, this, heads);
  }

  /** The reply to one request, in pieces of this size. */
  reply(bytes: string, pieceBytes = Infinity): this {
    this.#reader.expect();
    return this.say(bytes, pieceBytes);
  }

  say(bytes: string, pieceBytes = Infinity): this {
    const all = Buffer.from(bytes, "latin1");
    for (let at = 0; at < all.length; at += pieceBytes) {
      const piece = Buffer.from(all.subarray(at, Math.min(all.length, at + pieceBytes)));
      this.#reader.receive(piece);
      piece.fill("?"); // what was lent is used again
    }
    return this;
  }

  /** The peer ends. */
  finish(): this {
    this.#reader.finish();
    return this;
  }

  head(head: ReplyHead): void {
    this.replies.push({ head, body: "", end: "open" });
  }

  data(bytes: Uint8Array): void {
    this.replies.at(-1)!.body += Buffer.from(bytes).toString("latin1");
  }

  end(isLast: boolean): void {
    this.replies.at(-1)!.end = isLast || this.replies.at(-1)!.head.closes ? "last" : "whole";
  }

  breach({ fault, message }: ReplyBreach, head: Buffer | undefined): void {
    this.fault = fault;
    this.message = message;
    this.refused = head?.toString("latin1");
  }
}
