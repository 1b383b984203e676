import { Agent } from "node:http";
import { gzipSync } from "node:zlib";
import { SIGNAL_FACTS, type Signal } from "../../src/otlp/signal.ts";
import { GrpcConnection } from "../receive/grpc-client.ts";
import { ask, type HttpAnswer } from "../receive/http-client.ts";
import { decodeResponse, decodeStatus, type Plain } from "./oracle/oracle.ts";

/** How a request is sent: protobuf by gRPC or HTTP, or JSON by HTTP. */
export const SEND_WAYS = ["grpc", "http", "json"] as const;
export type SendVariant = (typeof SEND_WAYS)[number];

/** What the sender was told. A call that ended without an answer rejects instead. */
export interface SenderAnswer {
  readonly ok: boolean;
  /** gRPC status, or HTTP status. */
  readonly code: number;
  /** Of a partial success. */
  readonly rejected: number;
  /** Of a partial success or an error. */
  readonly message: string;
  /** Delay that an error names, by RetryInfo or Retry-After. */
  readonly retryMs: number | undefined;
}

export interface SendOptions {
  /** `already`: the body is said to be gzip, and sent as it is. */
  readonly gzip?: boolean | "already";
  /** How the body was compressed beforehand. */
  readonly encoded?: "identity" | "gzip" | "deflate" | "zstd";
  /** Sent as grpc-timeout. */
  readonly timeoutMs?: number;
}

/**
 * Sends any bytes as an Export request, on connections that stay open: one for gRPC, a few for
 * HTTP.
 */
export class OtlpSender implements AsyncDisposable {
  readonly #grpc: GrpcConnection | undefined;
  readonly #httpPort: number;
  readonly #agent = new Agent({ keepAlive: true });

  /** `host:port` of the listeners on this machine; empty for one that is not there. */
  constructor(node: { readonly grpc: string; readonly http: string }) {
    this.#grpc = node.grpc === "" ? undefined : new GrpcConnection(portOf(node.grpc));
    this.#httpPort = portOf(node.http);
  }

  send(way: SendVariant, signal: Signal, body: Uint8Array, options: SendOptions = {}): Promise<SenderAnswer> {
    const message = options.gzip === true ? gzipSync(body) : body;
    return way === "grpc" ? this.#overGrpc(signal, message, options) : this.#overHttp(way, signal, message, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#grpc?.[Symbol.asyncDispose]();
  }

  async #overGrpc(
    signal: Signal,
    message: Uint8Array,
    { gzip = false, encoded = gzip === false ? "identity" : "gzip", timeoutMs }: SendOptions,
  ): Promise<SenderAnswer> {
    if (this.#grpc === undefined) throw new Error("nothing listens for OTLP/gRPC");
    const headers: Record<string, string> = encoded === "identity" ? {} : { "grpc-encoding": encoded };
    if (timeoutMs !== undefined) headers["grpc-timeout"] = `${timeoutMs}m`;
    const answer = await this.#grpc.call(SIGNAL_FACTS[signal].grpcPath, message, {
      headers,
      compressed: encoded !== "identity",
    });
    if (answer.status === 0) return success(0, decodeResponse(signal, answer.message ?? Buffer.alloc(0)));
    const retryMs = retryInfoMs(answer.details);
    return { ok: false, code: answer.status, rejected: 0, message: answer.text, retryMs };
  }

  async #overHttp(
    way: "http" | "json",
    signal: Signal,
    body: Uint8Array,
    { gzip = false, encoded = gzip === false ? "identity" : "gzip" }: SendOptions,
  ): Promise<SenderAnswer> {
    const type = way === "json" ? "application/json" : "application/x-protobuf";
    const headers = { "content-type": type, ...(encoded !== "identity" && { "content-encoding": encoded }) };
    const path = SIGNAL_FACTS[signal].httpPath;
    const answer = await ask(this.#httpPort, path, { headers, body, agent: this.#agent });
    if (answer.status === 200) return success(200, responseOf(way, signal, answer));
    const after = answer.headers["retry-after"];
    const retryMs = after === undefined ? undefined : Number(after) * 1_000;
    const status = way === "json" ? plainJson(answer.body) : decodeStatus(answer.body);
    return { ok: false, code: answer.status, rejected: 0, message: textOf(status["message"]), retryMs };
  }
}

function success(code: number, response: Plain): SenderAnswer {
  const partial = asPlain(response["partialSuccess"]);
  const rejected = Object.entries(partial).find(([key]) => key.startsWith("rejected"))?.[1] ?? 0;
  return { ok: true, code, rejected: Number(rejected), message: textOf(partial["errorMessage"]), retryMs: undefined };
}

function responseOf(way: "http" | "json", signal: Signal, { body }: HttpAnswer): Plain {
  return way === "json" ? plainJson(body) : decodeResponse(signal, body);
}

function retryInfoMs(details: Plain | undefined): number | undefined {
  const list = details?.["details"];
  if (!Array.isArray(list)) return undefined;
  const info = list.map(asPlain).find((detail) => textOf(detail["typeUrl"]).endsWith("RetryInfo"));
  if (info === undefined) return undefined;
  const delay = asPlain(asPlain(info["value"])["retryDelay"]);
  return Number(delay["seconds"] ?? 0) * 1_000 + Number(delay["nanos"] ?? 0) / 1_000_000;
}

function plainJson(body: Buffer): Plain {
  return JSON.parse(body.toString("utf8")) as Plain; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a JSON object
}

function asPlain(value: unknown): Plain {
  return (value ?? {}) as Plain; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a message, by the schema
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
