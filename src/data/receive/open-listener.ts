import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { UnaryServerOptions } from "../../http2/port.ts";
import type { ListenerOptions } from "../../plan/listen-options.ts";

/** What a listener is told of its place, and of connections. */
export interface CommonListenerOptions
  extends Pick<UnaryServerOptions, "host" | "port" | "tls" | "maxConnections" | "handedOver" | "maxHeaderBytes"> {
  /** Region of senders that say nothing of their own. */
  readonly region: string;
}

/** What is not configurable. */
export type ListenerDefaults<Options> = Omit<Options, keyof ListenerOptions>;

/** What the plan says of one, and of all. */
export type ToldOptions<Options extends ListenerOptions> = Omit<Options, "tls"> & {
  readonly tls?: TlsServerOptions;
  readonly maxConnections: number;
};
