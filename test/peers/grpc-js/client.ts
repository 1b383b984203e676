import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { SIGNAL_FACTS } from "../../../src/otlp/signal.ts";

export interface GrpcJsOptions {
  readonly channel?: ChannelOptions;
  /** PEM texts; without them plain text. The certificate is expected to be that of localhost. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

export interface GrpcJsCall {
  readonly path?: string;
  /** Metadata that is sent. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  /** Waits for a connection instead of failing without one. */
  readonly waitForReady?: boolean;
}

/** How a call ended, as grpc-js tells it. */
export interface GrpcJsEnd {
  readonly code: number;
  readonly text: string;
  readonly message: Buffer | undefined;
  /** Of an error. */
  readonly trailers: Metadata | undefined;
}

/** A client of @grpc/grpc-js that sends bytes as they are, and takes as many as come. */
export class GrpcJs implements Disposable {
  readonly #client: Client;

  constructor(address: string, { channel, tls }: GrpcJsOptions = {}) {
    const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
    const secured = tls && credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
    const named = tls && { "grpc.ssl_target_name_override": "localhost" };
    const options = { ...UNLIMITED, ...named, ...channel };
    this.#client = new Client(address, secured ?? credentials.createInsecure(), options);
  }

  send(message: Uint8Array, options: GrpcJsCall = {}): Promise<GrpcJsEnd> {
    return this.start(message, options).end;
  }

  start(
    message: Uint8Array,
    options: GrpcJsCall = {},
  ): { readonly call: ClientUnaryCall; readonly end: Promise<GrpcJsEnd> } {
    const { path = SIGNAL_FACTS.traces.grpcPath, headers = {}, deadlineMs, waitForReady } = options;
    const { promise, resolve } = Promise.withResolvers<GrpcJsEnd>();
    const metadata = new Metadata({ waitForReady: waitForReady === true });
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const how: CallOptions = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }; // oxlint-disable-line no-restricted-globals -- grpc-js wants the machine's own time
    const call = this.#client.makeUnaryRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      Buffer.from(message.buffer, message.byteOffset, message.length),
      metadata,
      how,
      (error: ServiceError | null, reply?: Buffer) =>
        resolve(
          error === null
            ? { code: 0, text: "", message: reply, trailers: undefined }
            : { code: error.code, text: error.details, message: undefined, trailers: error.metadata },
        ),
    );
    return { call, end: promise };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

const UNLIMITED: ChannelOptions = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
