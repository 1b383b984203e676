import { allocOwned } from "../../core/bytes.ts";
import type { Clock } from "../../core/clock.ts";
import type { Timer, Timers } from "../../core/timers.ts";
import type { ClientExchange, ExchangeFailure, OutboundRequest, ReplyHead } from "../../http1/client/contract.ts";
import type { HeaderBlock } from "../../http2/headers.ts";
import { encodingOf, firstOf } from "../../http2/repeated.ts";
import { inflateReply } from "../../otlp/inflate-reply.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import { REPORTED_LOAD_HEADER } from "../load/reported-load.ts";
import type { RetryReason, SendOutcome } from "../send-outcome.ts";
import { accepted, isSuccess } from "./classify.ts";
import { outcomeOfHttp, readReplyHead } from "./http-answer.ts";
import type { SendDone } from "./target-client.ts";

/** What the calls of one client share. */
interface HttpCallOwner {
  readonly maxResponseBytes: number;
  readonly clock: Clock;
  /** Of the timeouts of all of them. */
  readonly timers: Timers;
}

/** What is sent, and what is known of whom it goes to. */
interface HttpCallRequest extends OutboundRequest {
  readonly signal: Signal;
  readonly verdicts?: StatusVerdicts | undefined;
}

/**
 * One call over HTTP: bounds the reply and the time, and tells the outcome once. Its timer is its
 * timeout.
 */
export class HttpCall implements ClientExchange, Timer {
  heapIndex = -1;
  readonly request: HttpCallRequest;
  readonly #owner: HttpCallOwner;
  readonly #done: SendDone;
  /** Gives its connection up. */
  #abandon: () => void = nothing;
  #begun = false;
  #ended = false;
  #timeoutMs = 0;
  #status = 0;
  #headers: HeaderBlock = {};
  /** What has come of it, and room for more: pieces may be of one byte each. */
  #body: Buffer = NONE;
  #bytes = 0;

  constructor(request: HttpCallRequest, owner: HttpCallOwner, done: SendDone) {
    this.request = request;
    this.#owner = owner;
    this.#done = done;
  }

  /** It is on its way. `abandon`: how it is given up. */
  limit(timeoutMs: number, abandon: () => void): void {
    this.#timeoutMs = timeoutMs;
    this.#abandon = abandon;
    this.#owner.timers.set(this, this.#owner.clock.nowMs() + timeoutMs);
  }

  fire(): void {
    this.#break("timeout", `no answer within ${this.#timeoutMs} ms`);
  }

  cancel(): void {
    this.#break("cancelled", "the call was cancelled");
  }

  began(): void {
    this.#begun = true;
  }

  head({ status, headers }: ReplyHead): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(bytes: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#owner.maxResponseBytes) {
      if (this.#bytes > this.#body.length) this.#grow(before);
      this.#body.set(bytes, before);
      return;
    }
    this.#settleLater(this.#overlong());
    this.#abandon();
  }

  end(): void {
    if (this.#ended) return;
    const encoding = this.#bytes === 0 ? "identity" : encodingOf(this.#headers, "content-encoding");
    const body = this.#body.subarray(0, this.#bytes);
    if (encoding === "identity") {
      this.#settle(this.#outcome(body));
      return;
    }
    // Its end is known already, and needs no more time than this process takes.
    this.#owner.timers.clear(this);
    inflateReply(encoding, body, this.#owner.maxResponseBytes, (inflated) => this.#settle(this.#outcome(inflated)));
  }

  failed({ reason, text, head }: ExchangeFailure): void {
    if (head !== undefined) this.#readBroken(head);
    this.#breakOff(reason === "closed" ? "cancelled" : reason, text);
  }

  #break(reason: RetryReason, message: string): void {
    this.#breakOff(reason, message);
    this.#abandon();
  }

  /** Without an answer, or in the middle of one whose status is known, and then holds. */
  #breakOff(reason: RetryReason, message: string): void {
    if (this.#status > 0) this.#settleLater(this.#outcome(undefined));
    else this.#settleLater({ kind: "retry", reason, message, unprocessed: !this.#begun });
  }

  /**
   * A head that breaks the rules: what it says of where the reply ends is of no use, its status is.
   */
  #readBroken(bytes: Buffer): void {
    const head = readReplyHead(bytes);
    if (head === undefined) return;
    this.#status = head.status;
    this.#headers = head.headers;
  }

  #settle(outcome: SendOutcome): void {
    if (this.#conclude()) this.#done(outcome, firstOf(this.#headers, REPORTED_LOAD_HEADER));
  }

  /** Maybe from within a cancel, whose caller must not be called back before it returns. */
  #settleLater(outcome: SendOutcome): void {
    if (!this.#conclude()) return;
    queueMicrotask(() => this.#done(outcome, firstOf(this.#headers, REPORTED_LOAD_HEADER)));
  }

  #conclude(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#owner.timers.clear(this);
    this.#body = NONE;
    return true;
  }

  /** Most replies come in one piece, and have exactly what they need. */
  #grow(used: number): void {
    const grown = allocOwned(Math.max(this.#bytes, Math.min(2 * used, this.#owner.maxResponseBytes)));
    grown.set(this.#body.subarray(0, used));
    this.#body = grown;
  }

  /**
   * OTLP: a reply above the limit is never a reason to send again. The status tells whether the
   * target took it.
   */
  #overlong(): SendOutcome {
    if (isSuccess(this.#status)) return accepted({ ok: false });
    const code = `HTTP ${this.#status}`;
    return {
      kind: "rejected",
      code,
      message: `${code}: its body is above ${this.#owner.maxResponseBytes} bytes`,
      badData: false,
    };
  }

  #outcome(body: Uint8Array | undefined): SendOutcome {
    const { signal, verdicts } = this.request;
    const answer = { signal, status: this.#status, headers: this.#headers, body };
    return outcomeOfHttp(answer, this.#owner.clock.wallMs(), verdicts);
  }
}

const NONE = allocOwned(0);

function nothing(): void {}
