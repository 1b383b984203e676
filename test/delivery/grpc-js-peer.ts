import { type handleUnaryCall, Metadata, Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { rpcStatus } from "../support/sinks/sink-reply.ts";

export interface PeerAnswer {
  readonly code: number;
  readonly text?: string;
  readonly retryAfterMs?: number;
  /** Trailers as proxies add them. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** Of a success. */
  readonly message?: Uint8Array;
}

/** An OTLP server on grpc-js: an implementation of gRPC that shares nothing with ours. */
export interface Peer extends AsyncDisposable {
  readonly url: string;
  answer: PeerAnswer;
  readonly bodies: Buffer[];
  readonly metadata: Metadata[];
}

export async function openGrpcJsPeer(): Promise<Peer> {
  const server = new Server();
  const peer = { url: "", answer: { code: 0 } as PeerAnswer, bodies: [] as Buffer[], metadata: [] as Metadata[] };
  const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    peer.bodies.push(call.request);
    peer.metadata.push(call.metadata);
    const { code, text = "", retryAfterMs, trailers = {}, message } = peer.answer;
    if (code === 0) return callback(null, Buffer.from(message ?? []));
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
    if (retryAfterMs !== undefined) {
      metadata.set("grpc-status-details-bin", Buffer.from(rpcStatus(code, text, retryAfterMs)));
    }
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a number on the wire, also one that gRPC does not know
    callback({ code, details: text, metadata });
  };
  for (const signal of SIGNALS) server.addService(serviceAt(SIGNAL_FACTS[signal].grpcPath), { export: handle });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const close = async (): Promise<void> => server.forceShutdown();
  return Object.assign(peer, { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close });
}

function serviceAt(path: string): ServiceDefinition {
  const codec = {
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  return { export: { path, requestStream: false, responseStream: false, ...codec } };
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}
