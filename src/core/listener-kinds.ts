/** What to do about a client that offers no HTTP/1.1 where nothing else is spoken. */
export const HTTP1_ALONE = "this listener speaks HTTP/1.1, which the client does not offer";

/**
 * What senders come by, with the names of the config. Another kind is an entry here and a file in
 * data/receive; the compiler then asks for its entry in each table by kind: its settings in
 * plan/data-plane.ts and server/listen-options.ts, its opener in data/receive/open-listeners.ts.
 * All else (workers, admin API, metrics, renewals) follows the list.
 */
export const LISTENERS = {
  otlp_grpc: {
    title: "OTLP/gRPC",
    takes: "grpc",
    noAlpn: "gRPC needs HTTP/2: the client, or a proxy in front, does not offer h2",
  },
  otlp_http: {
    title: "OTLP/HTTP",
    takes: "http/protobuf",
    noAlpn: HTTP1_ALONE,
  },
} as const satisfies Readonly<Record<string, ListenerFacts>>;

interface ListenerFacts {
  /** For people. */
  readonly title: string;
  /** The protocol of targets by which it is sent to. */
  readonly takes: string;
  /** What to do about a client that speaks TLS, and no protocol of this listener. */
  readonly noAlpn: string;
}

export type ListenerKind = keyof typeof LISTENERS;

export const LISTENER_KINDS = Object.keys(LISTENERS) as readonly ListenerKind[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- its own keys

/** Where a node is sent to by this protocol. */
export function listenerOf(protocol: (typeof LISTENERS)[ListenerKind]["takes"]): ListenerKind {
  return LISTENER_KINDS.find((kind) => LISTENERS[kind].takes === protocol)!;
}

/** Something for each kind of listener. */
export function eachListener<Value>(valueOf: (kind: ListenerKind) => Value): Record<ListenerKind, Value> {
  const entries = LISTENER_KINDS.map((kind) => [kind, valueOf(kind)] as const);
  return Object.fromEntries(entries) as Record<ListenerKind, Value>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of all kinds
}
