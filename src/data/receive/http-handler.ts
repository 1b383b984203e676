import type { WaitingReader } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import type { HttpExchange, HttpHandler, HttpReply, HttpRequest } from "../../http1/port.ts";
import type { CorsPlan } from "../../plan/listen-options.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import type { Permit } from "../admit/admission.ts";
import { type Cors, createCors } from "./cors.ts";
import { HttpBody } from "./http-body.ts";
import { type HttpHead, readHttpHead } from "./http-head.ts";
import { compressReply, httpRefusal, httpReply, isCompressed } from "./http-reply.ts";
import type { ListenerContext } from "./listener-context.ts";
import { type Format, maxBytesOf, Reception, type ReceptionTimes, refuseTooLarge } from "./reception.ts";
import type { Reply } from "./request.ts";

type ExportHead = Extract<HttpHead, { kind: "export" }>;

/** OTLP/HTTP, as a handler of requests: each is refused by its head, or admitted and read. */
export function createHttpHandler(context: ListenerContext, plan: CorsPlan | undefined): HttpHandler {
  const cors = plan && createCors(plan);
  return (request) => {
    const preflight = cors?.preflight(request.method, request);
    if (preflight !== undefined) return refuse(request, preflight, "short");
    const receivedMs = context.env.clock.nowMs();
    const head = headOf(request);
    if (head.kind === "refused") {
      context.count({ ok: false, refusal: head.refusal }, receivedMs);
      return refuse(request, shared(httpRefusal(head.format, head.refusal, head.headers), request, cors), "short");
    }
    const admitted = admit(context, request, { head, receivedMs, cors });
    if (admitted instanceof HttpExport) return admitted.begin() ? admitted : undefined;
    context.count({ ok: false, refusal: admitted }, receivedMs);
    return refuse(request, shared(httpRefusal(head.format, admitted, []), request, cors), restAfter(admitted));
  };
}

/** What was read of a head, for other requests with the same. */
class KnownMeaning {
  readonly head: HttpHead;

  constructor(head: HttpHead) {
    this.head = head;
  }
}

function headOf(request: HttpRequest): HttpHead {
  const { memo } = request;
  if (memo.value instanceof KnownMeaning) return memo.value.head;
  const head = readHttpHead(request);
  memo.value = new KnownMeaning(head);
  return head;
}

function refuse(request: HttpRequest, reply: HttpReply, rest: "short" | "unwanted"): undefined {
  request.reply(reply, rest);
}

function restAfter({ reason }: Refusal): "short" | "unwanted" {
  return reason === "too_large" ? "unwanted" : "short";
}

/** The reply as pages of other origins may read it. */
function shared(reply: HttpReply, request: HttpRequest, cors: Cors | undefined): HttpReply {
  if (cors === undefined) return reply;
  const { status, headers, body } = reply;
  return { status, headers: [...headers, ...cors.headersFor(request.header("origin"))], body };
}

interface AskedExport {
  readonly head: ExportHead;
  readonly receivedMs: number;
  readonly cors: Cors | undefined;
}

function admit(context: ListenerContext, request: HttpRequest, asked: AskedExport): HttpExport | Refusal {
  const { head, receivedMs } = asked;
  const { length } = request;
  const { admission } = context.env;
  const { requestTimeoutMs, maxTimeoutMs } = admission.limits;
  const maxBytes = maxBytesOf(head.format, context);
  if (length !== undefined && length > maxBytes) return refuseTooLarge(length, maxBytes);
  const deadlineMs = receivedMs + Math.min(requestTimeoutMs, maxTimeoutMs);
  const times = { signal: head.signal, receivedMs, deadlineMs };
  const permit = admission.open(times, request);
  if (permit.kind === "refused") return permit.refusal;
  return new HttpExport(context, { request, times, permit, asked });
}

interface AdmittedExport {
  readonly request: HttpRequest;
  readonly times: ReceptionTimes;
  readonly permit: Permit;
  readonly asked: AskedExport;
}

/** One request that was admitted, from its head to its reply. */
class HttpExport extends Reception implements HttpExchange, WaitingReader {
  readonly #request: HttpRequest;
  readonly #head: ExportHead;
  readonly #cors: Cors | undefined;
  #body: HttpBody | undefined;

  constructor(context: ListenerContext, { request, times, permit, asked }: AdmittedExport) {
    super(context, times, permit);
    this.#request = request;
    this.#head = asked.head;
    this.#cors = asked.cors;
  }

  get format(): Format {
    return this.#head.format;
  }

  get peer(): string {
    return this.#request.peer;
  }

  get headers(): HeaderSource {
    return this.#request;
  }

  /** False: there is no room for its body, and it was replied to. */
  begin(): boolean {
    const { length } = this.#request;
    if (length !== undefined) this.expect(length);
    if (this.over) return false;
    this.#body = new HttpBody(this, length);
    return true;
  }

  data(bytes: Uint8Array): void {
    const body = this.#body;
    if (this.over || body === undefined) return;
    body.add(bytes);
    if (!body.isWhole && this.holdBack(this)) this.#request.pause();
  }

  end(): void {
    const body = this.#body;
    if (this.over || body === undefined) return;
    const whole = body.take();
    this.#body = undefined;
    if (whole !== undefined) this.take(whole, this.#head.encoding);
  }

  goOn(): void {
    this.#request.resume();
  }

  broken(refusal: Refusal): void {
    this.refuse(refusal);
  }

  override gone(): void {
    super.gone();
    this.#drop();
  }

  protected answer(reply: Reply): void {
    this.#drop(); // the permit is closed, or somebody else has the bytes
    const { signal, format } = this.#head;
    const rest = reply.ok ? "short" : restAfter(reply.refusal);
    const written = httpReply(signal, format, reply);
    if (isCompressed(written, this.#request)) compressReply(written, (shorter) => this.#send(shorter, rest));
    else this.#send(written, rest);
  }

  #send(reply: HttpReply, rest: "short" | "unwanted"): void {
    this.#request.reply(shared(reply, this.#request, this.#cors), rest);
  }

  #drop(): void {
    this.#body?.drop();
    this.#body = undefined;
  }
}
