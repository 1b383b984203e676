import type { HttpTransport } from "../core/http-transport.ts";
import type { ListeningServer } from "../core/sockets/listening-server.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { listenHttpNode } from "./node-server.ts";
import { listenHttpOwn } from "./own/listen.ts";
import type { HttpServerOptions } from "./port.ts";

/** Rejects with the error of the system, or of the TLS library. */
type ListenHttp = (options: HttpServerOptions, env: TimeAndChance) => Promise<ListeningServer>;

/** An implementation of the port for each. */
export const HTTP_SERVERS: Readonly<Record<HttpTransport, ListenHttp>> = { own: listenHttpOwn, node: listenHttpNode };
