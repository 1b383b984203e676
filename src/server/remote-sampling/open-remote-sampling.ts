import { formatAddress } from "../../config/schema/address.ts";
import type { Config, NodeConfig, SamplingListenerConfig } from "../../config/schema/config.ts";
import { type SamplingRates, SourceStrategies } from "../../control/sampling/source-strategies.ts";
import { listenUnary } from "../../http2/own/listen-unary.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { Answers } from "./answers.ts";
import { createSamplingHandler } from "./grpc-handler.ts";
import { listenSamplingHttp, type SamplingListener } from "./http-listener.ts";

/** Where sources ask what to send. */
export interface RemoteSampling extends AsyncDisposable {
  /** `host:port`; undefined: it does not listen. */
  readonly addresses: { readonly sampling_http: string | undefined; readonly sampling_grpc: string | undefined };
  /** Another config runs: it says what is told, and what certificates are shown from now on. */
  configured(config: Config): void;
}

const MAX_CONNECTIONS = 4_096;
const GRPC_LIMITS = {
  maxConcurrentStreams: 64,
  maxHeaderBytes: 16_384,
  maxConnections: MAX_CONNECTIONS,
  maxConnectionAgeMs: 600_000,
  maxConnectionAgeGraceMs: 10_000,
  // Sources ask once a minute: those that stay away longer connect anew.
  maxConnectionIdleMs: 300_000,
  keepaliveTimeMs: 120_000,
  keepaliveTimeoutMs: 20_000,
} as const;

/** Opens what the node's config asks for, perhaps nothing. Throws LISTEN_FAILED or TLS_INVALID. */
export async function openRemoteSampling(config: Config, env: Env, rates: SamplingRates): Promise<RemoteSampling> {
  const { sampling_http: http, sampling_grpc: grpc } = config.node.listen;
  const strategies = new SourceStrategies(env.clock, rates);
  const answers = new Answers(strategies, env.metrics);
  await using parts = new AsyncDisposableStack();
  const byHttp = http === false ? undefined : parts.use(await openHttp(http, answers, env));
  const byGrpc = grpc === false ? undefined : parts.use(await openGrpc(grpc, answers, env));
  const opened = parts.move();
  const told = new ToldRates(strategies, env);
  const configured = (next: Config): void => {
    strategies.configured(next, next.node.region);
    if (byHttp === undefined && byGrpc === undefined) return;
    told.show();
    renew(byHttp, next.node.listen.sampling_http);
    renew(byGrpc, next.node.listen.sampling_grpc);
  };
  configured(config);
  return {
    addresses: {
      sampling_http: byHttp && formatAddress(byHttp.address),
      sampling_grpc: byGrpc && formatAddress(byGrpc.address),
    },
    configured,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openHttp({ address, tls }: SamplingListenerConfig, answers: Answers, env: Env): Promise<SamplingListener> {
  return listenSamplingHttp({ address, tls: tlsOf(tls), answers, maxConnections: MAX_CONNECTIONS }, env);
}

async function openGrpc(
  { address, tls: written }: SamplingListenerConfig,
  answers: Answers,
  env: Env,
): Promise<SamplingListener> {
  const tls = tlsOf(written);
  const onRefused = refusalTeller("sampling_grpc", env);
  const handler = createSamplingHandler(answers);
  const server = await listenUnary(
    { ...address, ...GRPC_LIMITS, ...(tls !== undefined && { tls }), handler, onRefused },
    env,
  );
  return {
    address: { host: address.host, port: server.port },
    renew: (next) => server.renew(next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function renew(listener: SamplingListener | undefined, config: NodeConfig["listen"]["sampling_http"]): void {
  const tls = config === false ? undefined : tlsOf(config.tls);
  if (tls !== undefined) listener?.renew(tls);
}

function tlsOf(tls: SamplingListenerConfig["tls"]): TlsServerOptions | undefined {
  if (tls === undefined) return undefined;
  return { cert: tls.cert, key: tls.key.reveal(), ...(tls.client_ca !== undefined && { clientCa: tls.client_ca }) };
}

/** What is told, for metrics and the log. */
class ToldRates {
  readonly #strategies: SourceStrategies;
  readonly #env: Pick<Env, "metrics" | "log">;
  #classes: readonly string[] = [];
  #refusal: string | undefined;

  constructor(strategies: SourceStrategies, env: Pick<Env, "metrics" | "log">) {
    this.#strategies = strategies;
    this.#env = env;
  }

  /** After a change of the config. */
  show(): void {
    const { remoteSamplingRate } = this.#env.metrics;
    const { told, refusal } = this.#strategies;
    for (const name of this.#classes) remoteSamplingRate.remove(name);
    this.#classes = told.map(([name]) => name);
    for (const name of this.#classes) {
      remoteSamplingRate.with(name).read(() => this.#strategies.toldOf(name) ?? 1);
    }
    if (refusal !== undefined && refusal !== this.#refusal) {
      this.#env.log.warn("sources that ask what to send are told nothing", { why: refusal });
    }
    this.#refusal = refusal;
  }
}
