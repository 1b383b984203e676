import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { TlsClientOptions } from "../../http2/port.ts";
import type { Signal } from "../../otlp/signal.ts";
import { openGrpcSender } from "./grpc-sender.ts";
import { openHttpSender } from "./http-sender.ts";

export const PROTOCOLS = ["grpc", "http", "http/json"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** One server, and how it is spoken to. */
export interface Endpoint {
  readonly url: string;
  readonly protocol: Protocol;
  /** Requests under way at the same time, at most. */
  readonly concurrency: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly tls: TlsClientOptions;
  readonly userAgent: string;
}

export interface Sender extends AsyncDisposable {
  /**
   * The body is borrowed until the promise is settled; it never rejects. Aborting ends the attempt
   * with `cancelled`.
   */
  send(signal: Signal, body: Uint8Array, abort: AbortSignal): Promise<SendResult>;
}

/** How one attempt ended, by the rules of OTLP. */
export type SendResult =
  /** `rejected` is what `partial_success` counts. */
  | { readonly kind: "acknowledged"; readonly rejected: number; readonly message: string }
  /** The server said no. `code` is the name of a gRPC code, or `HTTP <status>`. */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      /** From RetryInfo or Retry-After. */
      readonly retryAfterMs: number | undefined;
    }
  /**
   * There was no answer. All of these may be tried again, but `cancelled`, and what was not
   * understood.
   */
  | {
      readonly kind: "failed";
      readonly reason: "connect" | "reset" | "timeout" | "protocol" | "too_large" | "cancelled";
      readonly message: string;
    };

/** Throws TLS_INVALID for bad PEM. */
export function openSender(endpoint: Endpoint, env: { readonly clock: Clock; readonly random: Random }): Sender {
  return endpoint.protocol === "grpc" ? openGrpcSender(endpoint, env) : openHttpSender(endpoint, env);
}

/** Whether OTLP lets a client try again. */
export function mayRetry(result: SendResult): boolean {
  if (result.kind === "refused") return result.retryable;
  return result.kind === "failed" && result.reason !== "cancelled" && result.reason !== "too_large";
}
