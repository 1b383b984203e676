import type { Clock } from "../core/clock.ts";
import type { HttpTransport } from "../core/http-transport.ts";
import type { Random } from "../core/random.ts";
import type { ListeningServer } from "../core/sockets/listening-server.ts";
import { listenHttpNode } from "./node-server.ts";
import { listenHttpOwn } from "./own/listen.ts";
import type { HttpServerOptions } from "./port.ts";

/** Rejects with the error of the system, or of the TLS library. */
type ListenHttp = (
  options: HttpServerOptions,
  env: { readonly clock: Clock; readonly random: Random },
) => Promise<ListeningServer>;

/** An implementation of the port for each. */
export const HTTP_SERVERS: Readonly<Record<HttpTransport, ListenHttp>> = { own: listenHttpOwn, node: listenHttpNode };
