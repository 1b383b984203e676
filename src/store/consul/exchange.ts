import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher, Pool } from "undici";
import type { Cancel, Clock } from "../../core/clock.ts";

/** A request, and how long it may take. */
interface ExchangeRequest {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

type Exchanged =
  | { readonly kind: "reply"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  /** `sent`: some of the request may have got there. */
  | { readonly kind: "failed"; readonly sent: boolean; readonly cause: unknown };

/** One request and its reply, or why there is none. Rejects with the signal's reason alone. */
export function exchange(pool: Pool, request: ExchangeRequest, clock: Clock): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    request.signal.throwIfAborted();
    const handler = new ExchangeHandler(resolve, reject);
    handler.limit(request, clock);
    const { method, path, headers, body } = request;
    pool.dispatch({ method, path, headers, body: body ?? null }, handler);
  });
}

/** As undici's handler: it tells the outcome once. */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #resolve: (exchanged: Exchanged) => void;
  readonly #reject: (reason: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #free: Cancel = () => undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];

  constructor(resolve: (exchanged: Exchanged) => void, reject: (reason: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  limit({ timeoutMs, signal }: ExchangeRequest, clock: Clock): void {
    const stop = (): void => {
      if (!this.#end()) return;
      this.#reject(signal.reason);
      this.#controller?.abort(new Error("the call was cancelled"));
    };
    const cancel = clock.after(timeoutMs, () => {
      const cause = new Error(`no answer within ${Math.round(timeoutMs)} ms`);
      this.#fail(cause);
      this.#controller?.abort(cause);
    });
    signal.addEventListener("abort", stop, { once: true });
    this.#free = () => {
      cancel();
      signal.removeEventListener("abort", stop);
    };
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error("ended before it began"));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    this.#resolve({
      kind: "reply",
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  /** What was not begun never left: there was no connection to be had. */
  #fail(cause: unknown): void {
    const sent = this.#controller !== undefined;
    if (this.#end()) this.#resolve({ kind: "failed", sent, cause });
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#free();
    return true;
  }
}
