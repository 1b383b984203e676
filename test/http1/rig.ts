import { HttpConnection } from "../../src/http1/own/connection.ts";
import { DEFAULT_HTTP_LIMITS, type HttpFault, type HttpLimits } from "../../src/http1/own/contract.ts";
import { InboundRequest } from "../../src/http1/own/inbound-request.ts";
import { KnownHeads } from "../../src/http1/own/known-head.ts";
import { ReplyWriter } from "../../src/http1/own/reply-writer.ts";
import { WaitingBytes } from "../../src/http1/own/waiting-bytes.ts";
import type { HttpExchange, HttpReply, HttpRequest } from "../../src/http1/port.ts";
import type { Refusal } from "../../src/core/reason.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const LIMITS: HttpLimits = {
  ...DEFAULT_HTTP_LIMITS,
  maxHeadBytes: 16_384,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
};

/** What was read of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly length: number | undefined;
  body: string;
  /** `whole`, or why it did not come to its end. */
  end: "open" | "whole" | "broken" | "gone";
}

/** Of the answers of tests: an empty one, and one that says why. */
const OK: HttpReply = { status: 200, headers: [], body: new Uint8Array(0), isFixed: true };
const STATUS = { too_large: 413, deadline: 504, too_many_requests: 429 } as const;

export function refused({ reason }: Refusal): HttpReply {
  const status = Object.hasOwn(STATUS, reason) ? STATUS[reason as keyof typeof STATUS] : 400; // oxlint-disable-line typescript/no-unsafe-type-assertion -- its own key
  return { status, headers: [], body: new Uint8Array(0) };
}

export interface RigOptions {
  readonly limits?: Partial<HttpLimits>;
  /** `late`: nothing is answered before the test does so; `head`: by its head. */
  readonly answers?: "end" | "late" | "head";
  readonly heads?: KnownHeads;
  /** Shared with others. */
  readonly waiting?: WaitingBytes;
  readonly closesMs?: number;
}

/** One connection in memory, and all that is told of it. */
export class Rig {
  readonly clock = new ManualClock();
  readonly requests: SeenRequest[] = [];
  readonly asked: HttpRequest[] = [];
  readonly faults: HttpFault[] = [];
  /** Of each request: names and values in turn, without its length. */
  readonly fields: (readonly string[])[] = [];
  readonly connection: HttpConnection;
  isDraining = false;
  output = "";

  constructor({ limits, answers = "end", heads = new KnownHeads(), waiting, closesMs = Infinity }: RigOptions = {}) {
    const shared = {
      limits: { ...LIMITS, ...limits },
      handler: (request: HttpRequest) => this.#begin(request, answers),
      refuse: refused,
      heads,
      writer: new ReplyWriter(this.clock, LIMITS.idleTimeoutMs),
      waiting: waiting ?? new WaitingBytes(LIMITS.maxWaitingBytes),
      onFault: (fault: HttpFault) => void this.faults.push(fault),
    };
    const isDraining = (): boolean => this.isDraining;
    const owner = {
      peer: "127.0.0.1:1",
      get isDraining() {
        return isDraining();
      },
      changed: () => undefined,
    };
    this.connection = new HttpConnection(shared, owner, { nowMs: this.clock.nowMs(), closesMs });
  }

  /** Bytes of the peer, in pieces of this size; what there is to write is written after each. */
  send(bytes: string | Buffer, pieceBytes = Infinity): void {
    const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    for (let at = 0; at < all.length; at += pieceBytes) {
      this.connection.receive(all.subarray(at, Math.min(all.length, at + pieceBytes)), this.clock.nowMs());
      this.flush();
    }
  }

  end(): void {
    this.connection.ended(this.clock.nowMs());
    this.flush();
  }

  pass(ms: number): boolean {
    this.clock.advance(ms);
    const isStalled = this.connection.tick(this.clock.nowMs());
    this.flush();
    return isStalled;
  }

  flush(): void {
    const nowMs = this.clock.nowMs();
    let bytes = this.connection.takeOutput(nowMs);
    while (bytes !== undefined) {
      this.output += Buffer.from(bytes).toString("latin1");
      this.connection.readOn(nowMs);
      bytes = this.connection.takeOutput(nowMs);
    }
  }

  answer(at: number, status = 200): void {
    this.asked[at]?.reply(status === 200 ? OK : { ...OK, status }, "short");
    this.flush();
  }

  /** The last request ends the connection. */
  get closes(): boolean {
    const last = this.asked.at(-1);
    return last instanceof InboundRequest && last.head.closes;
  }

  /** Status codes of all replies, in their order. */
  get statuses(): number[] {
    return [...this.output.matchAll(/^HTTP\/1\.1 (\d+)/gmu)].map((match) => Number(match[1]));
  }

  #begin(request: HttpRequest, answers: RigOptions["answers"]): HttpExchange | undefined {
    const { method, target, length } = request;
    const seen: SeenRequest = { method, target, length, body: "", end: "open" };
    this.requests.push(seen);
    this.asked.push(request);
    if (request instanceof InboundRequest) this.fields.push(request.head.fields);
    if (answers === "head") {
      request.reply(OK, "short");
      return undefined;
    }
    return {
      data: (bytes) => void (seen.body += Buffer.from(bytes).toString("latin1")),
      end: () => {
        seen.end = "whole";
        if (answers === "end") request.reply(OK, "short");
      },
      broken: (refusal) => {
        seen.end = "broken";
        request.reply(refused(refusal), "unwanted");
      },
      gone: () => void (seen.end = "gone"),
    };
  }
}

/** The head of a request, with a host. */
export function head(fields: readonly string[] = [], line = "POST /v1/traces HTTP/1.1"): string {
  return `${[line, "Host: x", ...fields].join("\r\n")}\r\n\r\n`;
}

/** A whole request with a body of this length. */
export function whole(body: string, fields: readonly string[] = []): string {
  return head([`Content-Length: ${body.length}`, ...fields]) + body;
}
