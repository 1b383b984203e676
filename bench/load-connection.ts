import { SIGNAL_FACTS } from "../src/otlp/signal.ts";
import type { LoadArguments } from "./messages.ts";
import { GrpcConnection, MESSAGE_AT } from "./wire/grpc-client.ts";
import { HttpConnection } from "./wire/http-client.ts";

/** How a call ended, whatever the protocol. */
export type CallOutcome =
  | { readonly kind: "acknowledged"; readonly partial: boolean }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "failed"; readonly why: string };

/** One connection to the measured system. */
export interface LoadConnection {
  readonly opened: Promise<void>;
  /** Whether a call can be made now. */
  readonly usable: boolean;
  readonly closed: boolean;
  /** Closed, and nobody had said that it would be. */
  readonly lost: boolean;
  /** `reusable`: whether all of the bytes were written when the answer came. */
  call(bytes: Buffer, done: (outcome: CallOutcome, reusable: boolean) => void): void;
  destroy(): void;
}

const ACKNOWLEDGED: CallOutcome = { kind: "acknowledged", partial: false };
const PARTIAL: CallOutcome = { kind: "acknowledged", partial: true };

export function openConnection(options: LoadArguments): LoadConnection {
  return options.protocol === "grpc" ? openGrpc(options) : openHttp(options);
}

function openGrpc({ port, signal, gzip, streams, tls }: LoadArguments): LoadConnection {
  const encoding = gzip ? "gzip" : "identity";
  const { grpcPath: path } = SIGNAL_FACTS[signal];
  const connection = new GrpcConnection({ host: "127.0.0.1", port, path, encoding, tls });
  let underWay = 0;
  return {
    opened: connection.opened,
    get usable() {
      return underWay < streams && connection.usable;
    },
    get closed() {
      return connection.closed;
    },
    get lost() {
      return connection.lost;
    },
    call(bytes, done) {
      underWay++;
      connection.call(bytes, gzip, (status, messageBytes, written, why) => {
        underWay--;
        done(outcomeOf(status, 0, messageBytes, why), written);
      });
    },
    destroy: () => connection.destroy(),
  };
}

function openHttp({ port, signal, encoding, gzip, streams }: LoadArguments): LoadConnection {
  const { httpPath: path } = SIGNAL_FACTS[signal];
  const fullSuccess = encoding === "json" ? "{}".length : 0;
  const connection = new HttpConnection({ host: "127.0.0.1", port, path, encoding, gzip, pipelined: streams });
  return {
    opened: connection.opened,
    get usable() {
      return connection.usable;
    },
    get closed() {
      return connection.closed;
    },
    get lost() {
      return connection.lost;
    },
    call(bytes, done) {
      connection.post(bytes.subarray(MESSAGE_AT), (status, bodyBytes, written) =>
        done(outcomeOf(status, 200, bodyBytes - fullSuccess, connection.whyLost), written),
      );
    },
    destroy: () => connection.destroy(),
  };
}

function outcomeOf(status: number, success: number, replyBytes: number, why: string): CallOutcome {
  if (status === success) return replyBytes > 0 ? PARTIAL : ACKNOWLEDGED;
  return status === -1 ? { kind: "failed", why } : { kind: "refused", code: String(status) };
}
