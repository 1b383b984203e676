import { formatAddress } from "../../config/schema/address.ts";
import type { Config, NodeConfig, SamplingListenerConfig } from "../../config/schema/config.ts";
import { type SamplingRates, SourceStrategies } from "../../control/sampling/source-strategies.ts";
import { listenUnary } from "../../http2/own/listen-unary.ts";
import type { RenewableServer } from "../../core/sockets/node-http.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { tlsOptions } from "../listen-options.ts";
import { Answers } from "./answers.ts";
import { createSamplingHandler } from "./grpc-handler.ts";
import { listenSamplingHttp } from "./http-listener.ts";

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
      sampling_http: byHttp && formatAddress(byHttp),
      sampling_grpc: byGrpc && formatAddress(byGrpc),
    },
    configured,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openHttp({ address, tls }: SamplingListenerConfig, answers: Answers, env: Env): Promise<RenewableServer> {
  return listenSamplingHttp({ address, tls: tlsOptions(tls), maxConnections: MAX_CONNECTIONS }, answers, env);
}

async function openGrpc(
  { address, tls }: SamplingListenerConfig,
  answers: Answers,
  env: Env,
): Promise<RenewableServer> {
  const served = { handler: createSamplingHandler(answers), onRefused: refusalTeller("sampling_grpc", env) };
  const server = await listenUnary({ ...address, ...GRPC_LIMITS, tls: tlsOptions(tls), ...served }, env);
  return {
    host: address.host,
    port: server.port,
    renew: (next) => server.renew(next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function renew(listener: RenewableServer | undefined, config: NodeConfig["listen"]["sampling_http"]): void {
  const tls = config === false ? undefined : tlsOptions(config.tls);
  if (tls !== undefined) listener?.renew(tls);
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
