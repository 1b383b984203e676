import { DEFAULT_HTTP_TRANSPORT, type HttpTransport } from "../../core/http-transport.ts";
import type { ListeningServer } from "../../core/sockets/listening-server.ts";
import type { HttpServerOptions } from "../../http1/port.ts";
import { HTTP_SERVERS } from "../../http1/transport.ts";
import type { CorsPlan } from "../../plan/listen-options.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { httpFaultCounter } from "../connect/connection-faults.ts";
import { createHttpHandler } from "./http-handler.ts";
import { httpRefusal } from "./http-reply.ts";
import { openListenerContext, type ReceiveEnv } from "./listener-context.ts";
import type { CommonListenerOptions, ListenerDefaults } from "./open-listener.ts";

export type HttpOptions = CommonListenerOptions &
  Omit<HttpServerOptions, "handler" | "refuse" | "onFault" | "onRefused"> & {
    readonly transport: HttpTransport;
    /** Which pages of other origins may send; undefined: none. */
    readonly cors?: CorsPlan | undefined;
  };

/**
 * Against connections that do nothing. Idle ones live longer than the 90 s after which the usual
 * clients close them.
 */
export const HTTP_DEFAULTS: ListenerDefaults<HttpOptions> = {
  transport: DEFAULT_HTTP_TRANSPORT,
  maxConnections: 10_000,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  keepAliveTimeoutMs: 120_000,
  maxConnectionAgeMs: 600_000,
};

/** OTLP/HTTP. Rejects with the error of the system, or of the TLS library. */
export async function listenHttp(options: HttpOptions, env: ReceiveEnv): Promise<ListeningServer> {
  const context = openListenerContext(options.region, "http", env);
  const handler = createHttpHandler(context, options.cors);
  const server: HttpServerOptions = {
    ...options,
    handler,
    refuse(refusal) {
      context.countError(refusal.reason);
      return httpRefusal("protobuf", refusal, []);
    },
    onFault: httpFaultCounter(env.metrics),
    onRefused: refusalTeller("otlp_http", env),
  };
  return await HTTP_SERVERS[options.transport](server, env);
}
