import { joinOwned } from "../../core/bytes.ts";
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { decodeResponse } from "../../otlp/response.ts";
import type { Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import { REPORTED_LOAD_HEADER } from "../load/reported-load.ts";
import { accepted, classifyHttp } from "./classify.ts";
import type { RetryReason, SendDone, SendOutcome } from "./target-client.ts";

/** So much of a text that is not a Status is told on. */
const MAX_TEXT = 200;

/** One request as undici's handler: bounds the reply and the time, and tells the outcome once. */
export class HttpCall implements Dispatcher.DispatchHandler {
  readonly #signal: Signal;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #done: SendDone;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #cancelTimer: Cancel = () => undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(signal: Signal, maxBytes: number, clock: Clock, done: SendDone) {
    this.#signal = signal;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
    this.#done = done;
  }

  limit(timeoutMs: number): void {
    this.#cancelTimer = this.#clock.after(timeoutMs, () => this.#break("timeout", `no answer within ${timeoutMs} ms`));
  }

  cancel(): void {
    this.#break("cancelled", "the call was cancelled");
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) controller.abort(new Error("ended before it began"));
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) {
      this.#chunks.push(chunk);
      return;
    }
    this.#end(this.#overlong());
    controller.abort(new Error("the reply is too long"));
  }

  onResponseEnd(): void {
    this.#end(this.#answer());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // What was not begun never left: there was no connection to be had.
    const begun = this.#controller !== undefined;
    if (isSuccess(this.#status)) this.#end(accepted({ ok: false }));
    else this.#end(retry(begun ? "reset" : "connect", reasonOf(error.cause ?? error), !begun));
  }

  #break(reason: RetryReason, message: string): void {
    this.#end(retry(reason, message, this.#controller === undefined));
    this.#controller?.abort(new Error(message));
  }

  #end(outcome: SendOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    this.#chunks = [];
    // Never from within send or cancel: undici may fail a request at once.
    const report = this.#headers[REPORTED_LOAD_HEADER];
    queueMicrotask(() => this.#done(outcome, typeof report === "string" ? report : undefined));
  }

  /** OTLP: a reply above the limit is never a reason to send again. The status tells whether the target took it. */
  #overlong(): SendOutcome {
    if (isSuccess(this.#status)) return accepted({ ok: false });
    const code = `HTTP ${this.#status}`;
    return { kind: "rejected", code, message: `${code}: its body is above ${this.#maxBytes} bytes`, badData: false };
  }

  #answer(): SendOutcome {
    const body = joinOwned(this.#chunks, this.#bytes);
    if (isSuccess(this.#status)) {
      // An answer of another kind, say from a proxy, says nothing but that it was taken.
      const readable = body.length === 0 || this.#isProtobuf();
      return accepted(readable ? decodeResponse(this.#signal, body) : { ok: false });
    }
    const retryAfter = this.#headers["retry-after"];
    return classifyHttp({ status: this.#status, message: this.#messageOf(body), retryAfter }, this.#clock.wallMs());
  }

  #messageOf(body: Buffer): string {
    if (this.#isProtobuf()) return decodeStatus(body)?.message ?? "";
    const type = this.#headers["content-type"] ?? "";
    if (!type.startsWith("text/plain") && !type.startsWith("application/json")) return "";
    return body.toString("utf8", 0, MAX_TEXT).trim();
  }

  #isProtobuf(): boolean {
    return (this.#headers["content-type"] ?? "").startsWith("application/x-protobuf");
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function retry(reason: RetryReason, message: string, unprocessed: boolean): SendOutcome {
  return { kind: "retry", reason, message, unprocessed };
}
