import type { IncomingMessage, ServerResponse } from "node:http";
import type { WaitingReader } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import type { Permit } from "../admit/admission.ts";
import type { Reply } from "./request.ts";
import type { Cors } from "./cors.ts";
import type { ListenerContext } from "./listener-context.ts";
import { HttpBody } from "./http-body.ts";
import type { HttpConnection, OpenExchange } from "./http-connection.ts";
import { type HttpHead, contentLengthOf, readHttpHead } from "./http-head.ts";
import { compressReply, type HttpReply, httpRefusal, httpReply } from "./http-reply.ts";
import { type Format, maxBytesOf, Reception, type ReceptionTimes, refuseTooLarge } from "./reception.ts";

/** One request and its response, as node:http hands them over. */
export interface HttpPair {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: HttpConnection;
  /** The sender waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
}

type ExportHead = Extract<HttpHead, { kind: "export" }>;

/** What a listener does with all its requests alike. */
export interface HttpManners {
  /** Asked when a request is answered: connections are to close. */
  readonly draining: boolean;
  /** Told when a request has ended, answered or not. */
  ended(): void;
  /** undefined: no page of another origin may send. */
  readonly cors: Cors | undefined;
}

/** Receives one request: refuses it by its head, or admits it and reads its body. */
export function receiveHttp(context: ListenerContext, pair: HttpPair, manners: HttpManners): void {
  const exchange = new HttpExchange(context, pair, manners);
  pair.connection.begin(exchange);
  exchange.begin();
}

/**
 * A refused body that is not longer is read and thrown away, so that the connection can be used
 * again.
 */
const MAX_DISCARD_BYTES = 65_536;
const CLOSE = ["Connection", "close"] as const;

class HttpExchange implements WaitingReader, OpenExchange, HeaderSource {
  bagIndex = -1;
  readonly #context: ListenerContext;
  readonly #pair: HttpPair;
  readonly #manners: HttpManners;
  #head: ExportHead | undefined;
  #reception: Reception | undefined;
  #body: HttpBody | undefined;
  /** Nothing is read from its connection, since other bodies come first. */
  #waits = false;

  constructor(context: ListenerContext, pair: HttpPair, manners: HttpManners) {
    this.#context = context;
    this.#pair = pair;
    this.#manners = manners;
    pair.request.on("error", ignore); // the peer left in the middle of its body: `close` of the response tells the same
    pair.response.on("error", ignore); // the peer left while its reply was written
    // It comes once; to take a listener away afterwards would cost as much as all the rest here.
    pair.response.on("close", () => {
      this.gone();
      pair.connection.end(this);
      manners.ended();
    });
  }

  get peer(): string {
    return this.#pair.connection.peer;
  }

  begin(): void {
    const { request } = this.#pair;
    const preflight = this.#manners.cors?.preflight(request.method, request.headers);
    if (preflight !== undefined) return this.#write(preflight, undefined);
    const receivedMs = this.#context.env.clock.nowMs();
    const head = readHttpHead(request);
    if (head.kind === "refused") {
      this.#context.count({ ok: false, refusal: head.refusal }, receivedMs);
      this.#write(httpRefusal(head.format, head.refusal, head.headers), head.refusal);
      return;
    }
    this.#head = head;
    const refusal = this.#admit(head, receivedMs);
    if (refusal === undefined) {
      this.#read(head);
    } else {
      this.#context.count({ ok: false, refusal }, receivedMs);
      this.#write(httpRefusal(head.format, refusal, []), refusal);
    }
  }

  answer(reply: Reply): void {
    const head = this.#head;
    if (head === undefined) return;
    const accepted = this.#pair.request.headers["accept-encoding"];
    compressReply(httpReply(head.signal, head.format, reply), accepted, (written) => {
      this.#write(written, reply.ok ? undefined : reply.refusal);
    });
  }

  /** Repeated ones are joined as RFC 9110, 5.3 says, cookies as RFC 6265 does. */
  header(name: string): string | undefined {
    const all = this.#pair.request.headersDistinct;
    return Object.hasOwn(all, name) ? all[name]?.join(name === "cookie" ? "; " : ", ") : undefined;
  }

  gone(): void {
    this.#reception?.gone();
    this.#body?.drop();
  }

  broken(refusal: Refusal): void {
    if (!this.#pair.request.complete) this.#reception?.refuse(refusal);
  }

  #admit({ signal, format, length }: ExportHead, receivedMs: number): Refusal | undefined {
    const { admission } = this.#context.env;
    const { requestTimeoutMs, maxTimeoutMs } = admission.limits;
    const maxBytes = maxBytesOf(format, this.#context);
    if (length !== undefined && length > maxBytes) return refuseTooLarge(length, maxBytes);
    const times = { signal, receivedMs, deadlineMs: receivedMs + Math.min(requestTimeoutMs, maxTimeoutMs) };
    const permit = admission.open(times);
    if (permit.kind === "refused") return permit.refusal;
    this.#reception = new HttpReception(this.#context, times, { permit, format, exchange: this });
    return undefined;
  }

  #read({ length, encoding }: ExportHead): void {
    const { request, response, expects } = this.#pair;
    const reception = this.#reception;
    if (reception === undefined) return;
    if (length !== undefined) reception.expect(length);
    if (reception.over) return;
    const body = new HttpBody(reception, length);
    this.#body = body;
    if (expects) response.writeContinue();
    request.on("data", (chunk: Buffer) => {
      if (reception.over) return;
      body.add(chunk);
      if (!body.isWhole && reception.holdBack(this)) this.#wait();
    });
    request.on("end", () => {
      this.goOn();
      const whole = reception.over ? undefined : body.take();
      if (whole !== undefined) reception.take(whole, encoding);
    });
  }

  /** The system keeps what comes: Node.js would keep what it has read, where nobody counts it. */
  #wait(): void {
    this.#waits = true;
    this.#pair.request.socket.pause();
  }

  goOn(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#pair.request.socket.resume();
  }

  #write(reply: HttpReply, refusal: Refusal | undefined): void {
    const { request, response, connection } = this.#pair;
    this.goOn(); // what is left of the body is thrown away, or the connection closes
    const leaves = !request.complete && this.#leavesBody(refusal);
    this.#body?.drop(); // the permit is closed, or somebody else has the bytes
    if (leaves) connection.lingerAfterReply();
    // A pipelined request behind this one would lose its reply if the connection closed here.
    const closes =
      leaves || (connection.newest === this && (connection.closing || connection.isOld || this.#manners.draining));
    if (closes) connection.closing = true;
    const length = reply.status === 204 ? [] : ["Content-Length", String(reply.body.length)];
    const { cors } = this.#manners;
    const shared = cors === undefined || reply.status === 204 ? [] : cors.headersFor(request.headers.origin);
    response.writeHead(reply.status, [...reply.headers, ...shared, ...length, ...(closes ? CLOSE : [])]);
    if (reply.body.length > 0) response.end(reply.body);
    else response.end(); // an empty body would be a piece of its own, and all of it a writev
    request.resume();
  }

  /** Whether the rest of the body is not worth reading. */
  #leavesBody(refusal: Refusal | undefined): boolean {
    const length = contentLengthOf(this.#pair.request.headers);
    if (length === 0) return false;
    const begun = this.#body !== undefined; // what failed half-way need not ever come to its end
    return (
      begun ||
      this.#pair.expects ||
      length === undefined ||
      length > MAX_DISCARD_BYTES ||
      refusal?.reason === "too_large"
    );
  }
}

interface AdmittedRequest {
  readonly permit: Permit;
  readonly format: Format;
  readonly exchange: HttpExchange;
}

class HttpReception extends Reception {
  readonly format: Format;
  readonly #exchange: HttpExchange;

  constructor(context: ListenerContext, times: ReceptionTimes, { permit, format, exchange }: AdmittedRequest) {
    super(context, times, permit);
    this.format = format;
    this.#exchange = exchange;
  }

  get peer(): string {
    return this.#exchange.peer;
  }

  get headers(): HeaderSource {
    return this.#exchange;
  }

  protected answer(reply: Reply): void {
    this.#exchange.answer(reply);
  }
}

function ignore(): void {}
