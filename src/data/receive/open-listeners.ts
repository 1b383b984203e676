import { LISTENER_KINDS, LISTENERS, type ListenerKind } from "../../core/listener-kinds.ts";
import type { ListeningServer } from "../../core/sockets/listening-server.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { GrpcListenerOptions, HttpListenerOptions, ListenerOptionsOf } from "../../plan/listen-options.ts";
import { GRPC_DEFAULTS, type GrpcOptions, listenGrpc } from "./grpc-listener.ts";
import { HTTP_DEFAULTS, type HttpOptions, listenHttp } from "./http.ts";
import { listenError } from "./listen-error.ts";
import type { ReceiveEnv } from "./listener-context.ts";
import type { ToldOptions } from "./open-listener.ts";

/** Listeners of each kind: a file here, and its one entry. */
const OPENERS = {
  otlp_grpc: {
    complete: (told: ToldOptions<GrpcListenerOptions>): GrpcOptions => ({ ...GRPC_DEFAULTS, ...told }),
    open: listenGrpc,
  },
  otlp_http: {
    complete: (told: ToldOptions<HttpListenerOptions>): HttpOptions => ({ ...HTTP_DEFAULTS, ...told }),
    open: listenHttp,
  },
} as const;

type OptionsByKind = { readonly [Kind in ListenerKind]: Parameters<(typeof OPENERS)[Kind]["open"]>[0] };

interface ListenerOpener<Kind extends ListenerKind> {
  /** What the plan says, with what is not configurable. */
  readonly complete: (told: ToldOptions<ListenerOptionsOf[Kind]>) => OptionsByKind[Kind];
  /** Rejects with the error of the system, or of the TLS library. */
  readonly open: (options: OptionsByKind[Kind], env: ReceiveEnv) => Promise<ListeningServer>;
}

export const LISTENER_OPENERS: { readonly [Kind in ListenerKind]: ListenerOpener<Kind> } = OPENERS;

/** None for a kind that does not listen. */
export type ReceiveOptions = {
  readonly [Kind in ListenerKind]?: OptionsByKind[Kind] | undefined;
};

/** Certificates and keys by kind, for connections from now on. */
export type RenewedTls = Readonly<Partial<Record<ListenerKind, TlsServerOptions>>>;

/** What is listened on. Disposing resets what is under way; `drain` first to lose nothing. */
export interface Listeners extends AsyncDisposable {
  readonly byKind: ReadonlyMap<ListenerKind, ListeningServer>;
  /** Certificates and keys that were renewed. */
  renew(tls: RenewedTls): void;
  /**
   * Stops accepting on all, and resolves when all requests were answered or `graceMs` has passed.
   */
  drain(graceMs: number): Promise<void>;
}

/** Opens all listeners or none. Throws LISTEN_FAILED or TLS_INVALID, each with a hint. */
export async function openListeners(options: ReceiveOptions, env: ReceiveEnv): Promise<Listeners> {
  await using opened = new AsyncDisposableStack();
  const byKind = new Map<ListenerKind, ListeningServer>();
  for (const kind of LISTENER_KINDS) {
    const listener = await openOne(kind, options[kind], env);
    if (listener !== undefined) byKind.set(kind, opened.use(listener));
  }
  const parts = opened.move();
  return {
    byKind,
    renew(tls) {
      for (const [kind, listener] of byKind) {
        const renewed = tls[kind];
        if (renewed !== undefined) listener.renew(renewed);
      }
    },
    async drain(graceMs) {
      await Promise.all(Array.from(byKind.values(), (listener) => listener.drain(graceMs)));
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function openOne<Kind extends ListenerKind>(
  kind: Kind,
  options: ReceiveOptions[Kind],
  env: ReceiveEnv,
): Promise<ListeningServer | undefined> {
  if (options === undefined) return undefined;
  try {
    return await LISTENER_OPENERS[kind].open(options, env);
  } catch (cause) {
    throw listenError(LISTENERS[kind].title, options, cause);
  }
}
