import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { Directive } from "../fleet/directive.ts";
import {
  type AwaitReply,
  type BroughtDocument,
  encodeBody,
  FLEET_PROTOCOL,
  type FetchReply,
} from "../fleet/messages.ts";
import type { LiveDirective } from "./directive-source.ts";

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

/** What holds for longer is told in whole seconds, rounded down: many get the same. */
const COARSE_FROM_MS = 10_000;
const COARSE_MS = 1_000;

/**
 * A directive as a collector gets it, with what is left of its time. That counts from the sending
 * of the request, and so has what this was held for on top. `shares` of a region are to become a
 * collector's here: sampling and limits bring it with their scopes.
 */
function passOn({ directive, remainingMs }: LiveDirective, heldMs: number): Directive {
  const { scope, epoch, seq, digest, body } = directive;
  const passed = { scope, epoch, seq, digest, valid_for_ms: validFor(remainingMs + heldMs) };
  return Buffer.byteLength(body) <= FLEET_BOUNDS.inlineBytes ? { ...passed, body } : passed;
}

function validFor(ms: number): number {
  const stepMs = ms < COARSE_FROM_MS ? 1 : COARSE_MS;
  return Math.max(0, Math.floor(ms / stepMs) * stepMs);
}
