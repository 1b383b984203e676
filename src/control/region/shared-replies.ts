import {
  type AwaitReply,
  type BroughtDocument,
  encodeBody,
  FLEET_PROTOCOL,
  type FetchReply,
} from "../fleet/messages.ts";
import type { LiveDirective } from "./directive-source.ts";
import { passOn } from "./pass-on.ts";

/** Of one decision, for calls that came in as many seconds, and for some who know less. */
const MOST = 64;
/** All of a region ask for the same document at about the same time. */
const FETCHED_MS = 60_000;

/**
 * Answers of which many get the same: those are one object, so that they can be written once. What
 * it holds tells all that is in it: no answer is another one later.
 */
export class SharedReplies {
  readonly #awaits = new Map<string, AwaitReply>();
  #fetched: { readonly reply: FetchReply; readonly atMs: number } | undefined;

  await(news: readonly LiveDirective[], heldMs: number, document: BroughtDocument | undefined): AwaitReply {
    const directives = news.map((live) => passOn(live, heldMs));
    const told = directives.map(({ scope, epoch, seq, digest, valid_for_ms }) =>
      [scope, epoch, seq, digest, valid_for_ms].join(" "),
    );
    const key = [document?.digest ?? "", ...told].join("\n");
    const known = this.#awaits.get(key);
    if (known !== undefined) return known;
    const reply = { protocol: FLEET_PROTOCOL, directives, ...(document !== undefined && { document }) };
    if (this.#awaits.size >= MOST) this.#awaits.clear();
    this.#awaits.set(key, reply);
    return reply;
  }

  fetch(digest: string, body: string, nowMs: number): FetchReply {
    if (this.#fetched?.reply.digest === digest) return this.#fetched.reply;
    const reply = { protocol: FLEET_PROTOCOL, digest, body: encodeBody(Buffer.from(body)) };
    this.#fetched = { reply, atMs: nowMs };
    return reply;
  }

  /** To be called now and then: a document may be large. */
  tick(nowMs: number): void {
    if (this.#fetched !== undefined && nowMs - this.#fetched.atMs >= FETCHED_MS) this.#fetched = undefined;
  }

  /** All have been answered who waited. */
  clear(): void {
    this.#awaits.clear();
  }
}
