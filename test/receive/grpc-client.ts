import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { decodeStatus, type Plain } from "../support/oracle/oracle.ts";

export interface GrpcAnswer {
  readonly status: number;
  readonly text: string;
  readonly details: Plain | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The reply's message; undefined when there was none. */
  readonly message: Buffer | undefined;
}

export interface GrpcAsk {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The message's own flag. */
  readonly compressed?: boolean;
}

/** A gRPC client on bare frames, for what a real one never sends. */
export class GrpcConnection implements AsyncDisposable {
  readonly session: ClientHttp2Session;

  constructor(port: number) {
    this.session = connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => {}); // what ends a connection shows in its calls
  }

  begin(path: string, headers: Readonly<Record<string, string | string[]>> = {}): ClientHttp2Stream {
    const fixed = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = this.session.request({ ...fixed, ...headers });
    stream.on("error", () => {}); // as above
    return stream;
  }

  async call(
    path: string,
    message: Uint8Array,
    { headers = {}, compressed = false }: GrpcAsk = {},
  ): Promise<GrpcAnswer> {
    const stream = this.begin(path, headers);
    stream.end(Buffer.concat([prefix(message.length, compressed), message]));
    return answerOf(stream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.session.destroyed) return;
    const closed = once(this.session, "close");
    this.session.destroy();
    await closed;
  }
}

export function prefix(bytes: number, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(bytes, 1);
  return head;
}

/** How a call ended. Rejects when the stream closed without a status. */
export async function answerOf(stream: ClientHttp2Stream): Promise<GrpcAnswer> {
  let headers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (block) => {
    headers = { ...headers, ...block };
  });
  stream.on("trailers", (block: IncomingHttpHeaders) => {
    headers = { ...headers, ...block };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!stream.closed) {
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.once("end", () => {
        if (headers["grpc-status"] !== undefined) resolve(); // and no more of the request is sent, as by clients of gRPC
      });
    });
  }
  const status = headers["grpc-status"];
  if (status !== undefined && !stream.writableEnded) stream.close();
  if (status === undefined) throw new Error(`no status; the stream closed with code ${stream.rstCode}`);
  const details = headers["grpc-status-details-bin"];
  const body = Buffer.concat(chunks);
  return {
    status: Number(status),
    text: decodeURIComponent(String(headers["grpc-message"] ?? "")),
    details: details === undefined ? undefined : decodeStatus(Buffer.from(String(details), "base64")),
    headers,
    message: body.length === 0 ? undefined : body.subarray(5),
  };
}
