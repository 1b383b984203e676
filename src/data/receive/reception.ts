import type { BodyMemory, BytesOwner, Extent, WaitingReader } from "../../core/arena/extent.ts";
import { SCRATCH } from "../../core/bytes.ts";
import type { Reason, Refusal } from "../../core/reason.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import { type InflateResult, inflate } from "../../otlp/inflate.ts";
import { transcode } from "../../otlp/json/transcode.ts";
import type { Transcoded } from "../../otlp/json/transcode-parsed.ts";
import type { Permit } from "../admit/admission.ts";
import type { Reply, RequestHead } from "./request.ts";
import type { HandledRequest, UnreadTaker } from "./request-handler.ts";
import type { Expiring } from "./deadlines.ts";
import type { ListenerContext } from "./listener-context.ts";
import type { ContentEncoding, Encoding } from "../../otlp/encoding.ts";

/** Of a body that is coming; 80 bytes that nobody keeps when it has come. */
class BodyProgress {
  /** What its sender told, and for how much of that the permit has room. */
  length = 0;
  granted = 0;
  /** Bytes that have come; and had when it was last looked at, and when that changed. */
  arrived = 0;
  seen = -1;
  seenMs = 0;
  /** When it was last looked at, and for how long it was held back by then. */
  lookedMs = 0;
  heldMs = 0;
}

/**
 * One admitted request from its head, which it is itself, to its end. It is answered at most once
 * and settled exactly once, and these are two things: a sender that is told "too late", or that
 * went away, is done with, but the permit stays open until nobody holds the bytes. What is the
 * protocol's is said by who extends it; an object for each would be 190 bytes more.
 */
export abstract class Reception implements Expiring, BodyMemory, UnreadTaker, RequestHead {
  heapIndex = -1;
  readonly signal: Signal;
  readonly receivedMs: number;
  readonly deadlineMs: number;
  readonly permit: Permit;
  readonly #context: ListenerContext;
  #answered = false;
  /** Somebody else has the bytes: inflating, or the next stage. */
  #away = false;
  #handled: HandledRequest | undefined = undefined;
  /** Until it has come whole. */
  #coming: BodyProgress | undefined = new BodyProgress();

  constructor(context: ListenerContext, { signal, receivedMs, deadlineMs }: ReceptionTimes, permit: Permit) {
    this.signal = signal;
    this.receivedMs = receivedMs;
    this.deadlineMs = Math.ceil(deadlineMs); // a fraction would be an object of its own
    this.permit = permit;
    this.#context = context;
    context.deadlines.watch(this);
  }

  abstract readonly format: Format;
  abstract readonly peer: string;
  abstract readonly headers: HeaderSource;

  /** Tells the sender: at most once, and never after it went away. */
  protected abstract answer(reply: Reply): void;

  get method(): RequestHead["method"] {
    return this.#context.method;
  }

  get region(): string {
    return this.#context.region;
  }

  /** Budget of inflating: a request may be this long once it is inflated, too. */
  get maxBytes(): number {
    return maxBytesOf(this.format, this.#context);
  }

  /**
   * True once a reply was given or the sender went away: what still comes of the body is not
   * wanted.
   */
  get over(): boolean {
    return this.#answered;
  }

  /**
   * The sender told the body's length: refuses it when it is too long, or when there is not even
   * room for its beginning.
   */
  expect(length: number): void {
    if (this.#coming !== undefined) this.#coming.length = length;
    if (length > this.maxBytes) this.refuse(refuseTooLarge(length, this.maxBytes));
    else if (this.#coming !== undefined) this.#grant(this.#coming, Math.min(length, FIRST_BYTES));
  }

  /**
   * So much of a body of known length has come. Room is taken in steps that double, so that nobody
   * holds room by announcing what does not come. Refuses the request when there is none.
   */
  hold(arrived: number): void {
    const body = this.#coming;
    if (body === undefined) return;
    body.arrived = arrived;
    if (arrived > body.granted) this.#grant(body, Math.min(body.length, Math.max(arrived, 2 * body.granted)));
  }

  /**
   * Room for `bytes` more of a body whose length nobody told, which is `total` bytes long with
   * them; refuses it when there is none.
   */
  widen(bytes: number, total: number): void {
    if (this.#coming !== undefined) this.#coming.arrived = total;
    const refusal = this.#room(bytes, total);
    if (refusal !== undefined) this.refuse(refusal);
  }

  /** A place for so much of the body; undefined: there is none, and the request was refused. */
  alloc(length: number, whole: boolean): Extent | undefined {
    const { admission } = this.#context.env;
    const { method } = this.#context;
    let extent = this.permit.mayPlace(length) ? admission.arena.alloc(length, whole, method) : undefined;
    if (extent === undefined && this.permit.comesFirst && admission.arena.lendSpare())
      extent = admission.arena.alloc(whole ? length : this.#wholeLength(length), whole, method);
    if (extent === undefined) this.refuse(admission.refuseForRoom(length));
    return extent;
  }

  /** False: there is no room, and the request was refused. */
  grow(extent: Extent, length: number, filled: number): boolean {
    const { admission } = this.#context.env;
    if (this.permit.mayPlace(length) && admission.arena.grow(extent, length, filled)) return true;
    const { comesFirst } = this.permit;
    if (comesFirst && admission.arena.lendSpare() && admission.arena.grow(extent, this.#wholeLength(length), filled))
      return true;
    this.refuse(admission.refuseForRoom(length));
    return false;
  }

  /** What is kept for it would be in pieces if it were taken piece by piece. */
  #wholeLength(length: number): number {
    return Math.max(length, this.#coming?.length ?? 0);
  }

  lengthen(owner: BytesOwner, length: number): Extent | undefined {
    return this.#context.env.admission.arena.lengthen(owner, length);
  }

  trim(extent: Extent, length: number): void {
    this.#context.env.admission.arena.trim(extent, length);
  }

  /** The whole body, to be released here; its length was taken from the permit. */
  take(body: Extent, encoding: Encoding): void {
    if (this.#answered) {
      body.release();
      return;
    }
    this.#coming = undefined;
    this.permit.whole();
    this.#complete(body);
    if (encoding === "identity") this.#decode(body);
    else if (!this.#pass(body, encoding)) this.#inflate(body.bytes, body, encoding);
  }

  #complete(body: Extent): void {
    const { length } = body.bytes;
    this.#context.receivedBytes.value += length;
    if (length > 0) this.#context.env.admission.arena.complete(body); // of an empty one there is no place
  }

  refuse(refusal: Refusal): void {
    this.#answer({ ok: false, refusal });
    this.#stop();
  }

  /** The sender went away. */
  gone(): void {
    if (this.#answered) return;
    this.#over();
    this.#context.countError("cancelled");
    this.#stop();
  }

  /** As that of its permit, once what has come of the body is held. */
  holdBack(reader: WaitingReader): boolean {
    return !this.#answered && this.permit.holdBack(reader);
  }

  /**
   * Its body comes so slowly, or has not come for so long, that others, who need the room, come
   * first. It is asked in short steps while there are any. One that is held back can do nothing for
   * it, and has to go only when others are refused.
   */
  isSlow(nowMs: number): boolean {
    const body = this.#coming;
    if (body === undefined) return false;
    if (body.arrived !== body.seen) body.seenMs = nowMs;
    body.seen = body.arrived;
    const { admission } = this.#context.env;
    const stalled = nowMs - body.seenMs >= STALLED_MS && !admission.full;
    if (this.permit.isHeldBack) {
      if (body.lookedMs > 0) body.heldMs += nowMs - body.lookedMs;
      body.lookedMs = nowMs;
      return stalled && nowMs - admission.refusedMs < STALLED_MS;
    }
    body.lookedMs = 0;
    const timeMs = nowMs - this.receivedMs - body.heldMs - SLOW_GRACE_MS;
    return stalled || body.arrived < timeMs * SLOW_BYTES_PER_MS;
  }

  evict(): void {
    const message = `${this.#coming?.arrived ?? 0} bytes came so far, while others were refused for want of room`;
    this.refuse({ reason: "too_slow", message });
  }

  /** Its deadline has passed. */
  fire(): void {
    const waitedMs = Math.round(this.deadlineMs - this.receivedMs);
    this.refuse({ reason: "deadline", message: `not done within ${waitedMs} ms` });
  }

  /** Budget of inflating: says no as soon as nobody waits for the result. */
  reserve(bytes: number): boolean {
    return !this.#answered && this.permit.grow(bytes);
  }

  release(bytes: number): void {
    this.permit.shrink(bytes);
  }

  /** For the next stage, which had it unread. */
  sentBack(bytes: Uint8Array, owner: BytesOwner, encoding: ContentEncoding): void {
    this.#handled = undefined;
    if (!this.#answered) return this.#inflate(bytes, owner, encoding);
    owner.release();
    this.permit.close();
  }

  /** False: it is to be inflated. */
  #pass(body: Extent, encoding: ContentEncoding): boolean {
    const { handler } = this.#context.env;
    if (this.format !== "protobuf" || handler.pass === undefined) return false;
    this.#away = true;
    const passed = handler.pass({ head: this, bytes: body.bytes, owner: body, encoding }, this);
    if (passed === undefined) return false;
    this.#handled = passed;
    body.release(); // what goes on to targets has retained it
    return true;
  }

  #inflate(bytes: Uint8Array, owner: BytesOwner, encoding: ContentEncoding): void {
    this.#away = true;
    const sent = bytes.length;
    inflate(encoding, bytes, this, (result) => {
      this.#away = false;
      owner.release();
      this.#inflated(result, sent);
    });
  }

  #inflated(result: InflateResult, sent: number): void {
    if (this.#answered) {
      if (result.ok) result.body.release();
      this.permit.close();
    } else if (result.ok) {
      this.permit.shrink(sent);
      this.#decode(result.body);
    } else if (result.kind === "no_memory") {
      this.refuse(this.#noRoom());
    } else {
      this.refuse({ reason: INFLATE_REASONS[result.kind], message: result.message });
    }
  }

  /** A copy where bodies are. */
  #keep(bytes: Uint8Array): Extent | undefined {
    const body = this.alloc(bytes.length, true);
    body?.bytes.set(bytes);
    return body;
  }

  #decode(body: Extent): void {
    if (this.format === "protobuf") {
      this.#handle(body, 0, "");
      return;
    }
    const transcoded = this.#transcode(body.bytes);
    body.release();
    if (transcoded === undefined) return;
    const kept = this.#keep(transcoded.bytes);
    if (kept !== undefined) this.#handle(kept, transcoded.rejected, transcoded.message);
  }

  /** Undefined: it was refused. */
  #transcode(body: Uint8Array): Extract<Transcoded, { ok: true }> | undefined {
    // What comes out is about as long as what goes in; what it really is, is known only afterwards.
    const estimate = body.length;
    if (!this.permit.grow(estimate)) return this.#refused(this.#noRoom());
    const { guard } = this.#context.env.admission;
    const result = transcode(this.signal, body, guard.limits, SCRATCH);
    if (!result.ok && result.excess !== undefined) return this.#refused(guard.refuse(result.excess));
    if (!result.ok) return this.#refused({ reason: "bad_data", message: result.message, field: result.path });
    const bytes = result.bytes.length;
    const refusal = bytes > estimate ? this.#room(bytes - estimate, bytes) : undefined;
    if (refusal !== undefined) return this.#refused(refusal);
    this.permit.shrink(body.length + Math.max(0, estimate - bytes));
    return result;
  }

  #refused(refusal: Refusal): undefined {
    this.refuse(refusal);
  }

  #grant(body: BodyProgress, bytes: number): void {
    if (this.permit.grow(bytes - body.granted)) body.granted = bytes;
    else this.refuse(this.#noRoom());
  }

  #room(bytes: number, total: number): Refusal | undefined {
    if (total > this.maxBytes) return refuseTooLarge(total, this.maxBytes);
    return this.permit.grow(bytes) ? undefined : this.#noRoom();
  }

  #handle(body: Extent, rejected: number, message: string): void {
    this.#away = true;
    const request = { head: this, bytes: body.bytes, owner: body, rejected, message };
    this.#handled = this.#context.env.handler.handle(request, this);
    body.release(); // what goes on to targets has retained it
  }

  /** For the next stage, which has the request. */
  replied(reply: Reply): void {
    this.#away = false;
    this.#answer(reply);
    this.#stop();
  }

  #answer(reply: Reply): void {
    if (this.#answered) return;
    this.#over();
    this.#context.count(reply, this.receivedMs);
    this.answer(reply);
  }

  #over(): void {
    this.#answered = true;
    this.#context.deadlines.forget(this);
  }

  /**
   * Ends what is under way. Settles at once when nobody has the bytes; else whoever has them comes
   * back here.
   */
  #stop(): void {
    if (this.#away) this.#handled?.cancel();
    else this.permit.close();
  }

  #noRoom(): Refusal {
    return this.permit.refusal ?? { reason: "memory", message: "the request was settled before it was read" };
  }
}

/** Room for so much of a body is taken when its length is told. */
const FIRST_BYTES = 16_384;
/**
 * A body that comes slower than 64 KiB a second, after a quarter of a second, is evicted while
 * others are refused.
 */
const SLOW_BYTES_PER_MS = 65.536;
const SLOW_GRACE_MS = 250;
/** And one of which nothing comes for so long: half a body would have credit for much longer. */
const STALLED_MS = 1_000;

/** What a reception knows of its request from the beginning. */
export type ReceptionTimes = Pick<RequestHead, "signal" | "receivedMs" | "deadlineMs">;

/** How a request is written. */
export type Format = "protobuf" | "json";

/**
 * A parser of JSON makes objects of every byte. 16 MiB of the worst case, `[{},{},...]`, take 1.1 s
 * and 0.8 GB; 64 MiB take 11 s and 2.7 GB, in which nothing else is done. Who has more to send has
 * a reason to send protobuf.
 */
const MAX_JSON_BYTES = 16_777_216;

/** Longest request of this format, as sent and inflated. */
export function maxBytesOf(format: Format, context: ListenerContext): number {
  const { maxRequestBytes } = context.env.admission.limits;
  return format === "json" ? Math.min(maxRequestBytes, MAX_JSON_BYTES) : maxRequestBytes;
}

export function refuseTooLarge(bytes: number, maxBytes: number): Refusal {
  return { reason: "too_large", message: `the request has ${bytes} bytes or more, the limit is ${maxBytes}` };
}

const INFLATE_REASONS = { too_large: "too_large", corrupt: "bad_data" } as const satisfies Record<string, Reason>;
