import type { Clock } from "../core/clock.ts";
import type { GrpcTransport } from "../core/grpc-transport.ts";
import type { Random } from "../core/random.ts";
import type { ListeningServer } from "../core/sockets/listening-server.ts";
import { openUnaryClient as openNodeClient } from "./node-client.ts";
import { listenUnary as listenNode } from "./node-server.ts";
import { listenUnary as listenOwn } from "./own/listen-unary.ts";
import { openUnaryClient as openOwnClient } from "./own/open.ts";
import type { UnaryClient, UnaryClientOptions, UnaryServerOptions } from "./port.ts";

/** An implementation of the port. */
export interface UnaryTransport {
  /** Throws LISTEN_FAILED when the address is not to be had, TLS_INVALID for bad PEM. */
  readonly listen: (options: UnaryServerOptions, env: TransportEnv) => Promise<ListeningServer>;
  /** Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not http or https. */
  readonly connect: (options: UnaryClientOptions, env: TransportEnv) => UnaryClient;
}

interface TransportEnv {
  readonly clock: Clock;
  readonly random: Random;
}

export const UNARY_TRANSPORTS: Readonly<Record<GrpcTransport, UnaryTransport>> = {
  own: { listen: listenOwn, connect: openOwnClient },
  node: { listen: listenNode, connect: openNodeClient },
};
