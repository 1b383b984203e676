import { Client, compressionAlgorithms, credentials, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { decodeStatus, type Plain } from "../support/oracle/oracle.ts";

export interface CallOptions {
  /** Sent as grpc-timeout, and watched by the client as well. */
  readonly deadlineMs?: number;
}

/** How a call ended, as grpc-js tells it. */
export interface CallEnd {
  readonly code: number;
  readonly message: Buffer | undefined;
  readonly text: string;
  /** google.rpc.Status of an error. */
  readonly details: Plain | undefined;
}

export interface StartedCall {
  readonly end: Promise<CallEnd>;
  readonly cancel: () => void;
}

/** A client of @grpc/grpc-js that sends bytes as they are. */
export class GrpcJsClient implements Disposable {
  readonly #client: Client;

  constructor(address: string, { gzip = false }: { readonly gzip?: boolean } = {}) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_send_message_length": -1,
      "grpc.default_compression_algorithm": gzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    });
  }

  call(path: string, message: Uint8Array, options: CallOptions = {}): Promise<CallEnd> {
    return this.start(path, message, options).end;
  }

  start(path: string, message: Uint8Array, { deadlineMs }: CallOptions = {}): StartedCall {
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    const deadline = deadlineMs === undefined ? {} : { deadline: deadlineIn(deadlineMs) };
    const call = this.#client.makeUnaryRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      Buffer.from(message.buffer, message.byteOffset, message.length),
      deadline,
      (error: ServiceError | null, reply?: Buffer) => resolve(error === null ? taken(reply) : failed(error)),
    );
    return { end: promise, cancel: () => call.cancel() };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function taken(message: Buffer | undefined): CallEnd {
  return { code: 0, message, text: "", details: undefined };
}

function failed({ code, details: text, metadata }: StatusObject): CallEnd {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return { code, message: undefined, text, details: Buffer.isBuffer(bytes) ? decodeStatus(bytes) : undefined };
}

function deadlineIn(ms: number): number {
  return Date.now() + ms; // oxlint-disable-line no-restricted-globals -- grpc-js wants the machine's own time
}
