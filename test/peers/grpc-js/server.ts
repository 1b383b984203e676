import {
  type ChannelOptions,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { SIGNAL_FACTS, SIGNALS } from "../../../src/otlp/signal.ts";
import type { Identity } from "../../support/certs.ts";

export type Call = ServerUnaryCall<Buffer, Buffer>;
type Done = Parameters<handleUnaryCall<Buffer, Buffer>>[1];

export interface GrpcJsServerOptions {
  readonly channel?: ChannelOptions;
  /** PEM texts; with `ca` clients need a certificate. */
  readonly tls?: Identity & { readonly ca?: string };
  readonly port?: number;
  /** Called with each call instead of taking it. */
  readonly handle?: (call: Call, done: Done) => void;
}

/** An OTLP server on @grpc/grpc-js that remembers the requests it took. */
export class GrpcJsServer implements AsyncDisposable {
  readonly bodies: Buffer[] = [];
  /** Who sent them: addresses with ports. */
  readonly peers = new Set<string>();
  readonly port: number;
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number, scheme: string) {
    this.#server = server;
    this.port = port;
    this.url = `${scheme}://127.0.0.1:${port}`;
  }

  static async open({ channel, tls, port = 0, handle }: GrpcJsServerOptions = {}): Promise<GrpcJsServer> {
    const server = new Server({ "grpc.max_receive_message_length": -1, ...channel });
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, credentialsOf(tls), (error, free) =>
        error === null ? resolve(free) : reject(error),
      );
    });
    const opened = new GrpcJsServer(server, bound, tls === undefined ? "http" : "https");
    const take = (call: Call, done: Done): void => {
      opened.bodies.push(call.request);
      opened.peers.add(call.getPeer());
      if (handle === undefined) done(null, Buffer.alloc(0));
      else handle(call, done);
    };
    for (const signal of SIGNALS) {
      const method = { path: SIGNAL_FACTS[signal].grpcPath, requestStream: false, responseStream: false } as const;
      server.addService({ export: { ...method, ...CODEC } }, { export: take });
    }
    return opened;
  }

  /** GOAWAY; resolves when what is under way has ended. */
  drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.tryShutdown((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#server.forceShutdown());
  }
}

function credentialsOf(tls: GrpcJsServerOptions["tls"]): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  const { ca } = tls;
  return ServerCredentials.createSsl(ca === undefined ? null : Buffer.from(ca), [pair], ca !== undefined);
}

const pass = (bytes: Buffer): Buffer => bytes;
const CODEC = { requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };
