import type { Cancel } from "../../core/clock.ts";
import type { TargetPlan, TargetPlanOf, TargetTlsPlan } from "../../plan/plan.ts";
import {
  type ClientEnv,
  CONNECT_TIMEOUT_MS,
  MAX_RESPONSE_BYTES,
  openTransport,
  USER_AGENT,
} from "../connect/transport.ts";
import { openGrpcClient } from "./grpc.ts";
import { type HttpClientOptions, openHttpClient } from "./http.ts";
import { HTTP_JSON } from "./http-format.ts";
import type { Batch, SendDone, TargetClient } from "./target-client.ts";

/** Two, so that a connection that is lost or asked to leave does not take everything along. */
const GRPC_CONNECTIONS = 2;

const HTTP_OPTIONS: HttpClientOptions = {
  userAgent: USER_AGENT,
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  maxResponseBytes: MAX_RESPONSE_BYTES,
};

type TargetProtocol = TargetPlan["protocol"];
/** `current` gives the plan as it is at each send. */
type OpenClient<Of extends TargetProtocol = TargetProtocol> = (
  current: () => TargetPlanOf<Of>,
  env: ClientEnv,
) => TargetClient;

/**
 * How each protocol is spoken: a protocol is its line here, with a file of its own beside this one.
 */
const CLIENTS: { readonly [Of in TargetProtocol]: OpenClient<Of> } = {
  grpc: (current, env) => openGrpcClient(current, openTransport(current(), env, GRPC_CONNECTIONS)),
  "http/protobuf": (current, env) => openHttpClient(current, HTTP_OPTIONS, env),
  "http/json": (current, env) => openHttpClient(current, HTTP_OPTIONS, env, HTTP_JSON),
};

/**
 * The client of a target. Nothing is connected before the first send. Throws TLS_INVALID for bad
 * PEM.
 */
export function openClient(current: () => TargetPlan, env: ClientEnv): TargetClient {
  const { protocol, url } = current();
  const openOne = CLIENTS[protocol] as OpenClient; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a target keeps its protocol: with another one it is another target
  const open = (plan: () => TargetPlan): TargetClient => openOne(plan, env);
  return url.startsWith("https:") ? openRenewingClient(current, open) : open(current);
}

/**
 * A client of a target whose certificates and keys may be renewed: with the first send after that
 * it is opened anew, and the one before closes when its calls have ended. Window and health of the
 * target are not touched. `open` must not throw for a plan that runs.
 */
export function openRenewingClient(
  current: () => TargetPlan,
  open: (current: () => TargetPlan) => TargetClient,
): TargetClient {
  const closing = new Set<Promise<void>>();
  const retiring = new Set<ClientGeneration>();
  let { tls } = current();
  let newest = new ClientGeneration(open(current));
  const close = (generation: ClientGeneration): void => {
    retiring.delete(generation);
    const closed = Promise.resolve(generation.client[Symbol.asyncDispose]()).finally(() => closing.delete(closed));
    closing.add(closed);
  };
  const renew = (): void => {
    const before = newest;
    newest = new ClientGeneration(open(current));
    if (before.underWay === 0) return close(before);
    retiring.add(before);
    before.emptied = () => close(before);
  };
  return {
    send(batch, timeoutMs, done) {
      const wanted = current().tls;
      if (wanted !== tls) {
        const isRenewed = !isSame(wanted, tls);
        tls = wanted;
        if (isRenewed) renew();
      }
      return newest.send(batch, timeoutMs, done);
    },
    async [Symbol.asyncDispose]() {
      for (const generation of retiring) close(generation); // ends what is under way
      await Promise.all([...closing, newest.client[Symbol.asyncDispose]()]);
    },
  };
}

/** A client and its calls. */
class ClientGeneration {
  readonly client: TargetClient;
  underWay = 0;
  emptied: () => void = () => undefined;

  constructor(client: TargetClient) {
    this.client = client;
  }

  send(batch: Batch, timeoutMs: number, done: SendDone): Cancel {
    this.underWay++;
    return this.client.send(batch, timeoutMs, (outcome, loadReport) => {
      done(outcome, loadReport);
      if (--this.underWay === 0) this.emptied();
    });
  }
}

function isSame(a: TargetTlsPlan | undefined, b: TargetTlsPlan | undefined): boolean {
  return a === b || (a?.ca === b?.ca && a?.cert === b?.cert && a?.key === b?.key);
}
