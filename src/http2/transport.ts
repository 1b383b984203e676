import type { GrpcTransport } from "../core/grpc-transport.ts";
import type { ListeningServer } from "../core/sockets/listening-server.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { openUnaryClient as openNodeClient } from "./node-client.ts";
import { listenUnary as listenNode } from "./node-server.ts";
import { listenUnary as listenOwn } from "./own/listen-unary.ts";
import { openUnaryClient as openOwnClient } from "./own/open.ts";
import type { UnaryClient, UnaryClientOptions, UnaryServerOptions } from "./port.ts";

/** An implementation of the port. */
export interface UnaryTransport {
  /** Throws LISTEN_FAILED when the address is not to be had, TLS_INVALID for bad PEM. */
  readonly listen: (options: UnaryServerOptions, env: TimeAndChance) => Promise<ListeningServer>;
  /** Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not http or https. */
  readonly connect: (options: UnaryClientOptions, env: TimeAndChance) => UnaryClient;
}

export const UNARY_TRANSPORTS: Readonly<Record<GrpcTransport, UnaryTransport>> = {
  own: { listen: listenOwn, connect: openOwnClient },
  node: { listen: listenNode, connect: openNodeClient },
};
