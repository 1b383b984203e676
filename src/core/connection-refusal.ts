import type { DropArgument, Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** Why a connection of a peer came to nothing. A closed list: label of a metric. */
export const CONNECTION_REFUSALS = [
  /** More connections than the listener may have. */
  "limit",
  /** No worker had a file descriptor for it. */
  "descriptors",
  /** No worker was there to take it, for too long. */
  "no_worker",
  /** The client's certificate is missing, or none of the authorities signed it. */
  "client_certificate",
  /** The peer does not trust this listener's certificate. */
  "rejected_by_peer",
  /** The peer does not speak TLS. */
  "not_tls",
  /** No protocol in common: gRPC takes HTTP/2, and says so by ALPN. */
  "no_alpn",
  "handshake_timeout",
  /** Whatever else ends a TLS handshake, the peer's going away included. */
  "handshake",
] as const;
export type ConnectionRefusalReason = (typeof CONNECTION_REFUSALS)[number];

export interface ConnectionRefusal {
  readonly reason: ConnectionRefusalReason;
  /** Address of the peer; empty when the system does not tell it any more. */
  readonly peer: string;
  /** What the TLS library said; empty where it did not. */
  readonly text: string;
}

/**
 * Tells of each connection that a listening server, with TLS or without, ends before it is one, and
 * ends those whose TLS handshake takes too long. `tell` must not throw.
 */
export function watchRefusals(server: Server, tell: (refusal: ConnectionRefusal) => void): void {
  // Node closes what is beyond `maxConnections` as soon as it is accepted.
  server.on("drop", (dropped?: DropArgument) => {
    tell({ reason: "limit", peer: dropped?.remoteAddress ?? "", text: "" });
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = reasonOfHandshake(error, socket);
    tell({ reason, peer: socket.remoteAddress ?? "", text: textOf(error, socket) });
    // All others node has ended; of this one it only tells, and the socket would stay, and count.
    if (reason === "handshake_timeout") socket.destroy();
  });
}

/**
 * A TLS connection that was made and is of no use, since the peer offered no protocol that is
 * spoken here.
 */
export function noCommonProtocol(socket: Socket): ConnectionRefusal {
  return { reason: "no_alpn", peer: socket.remoteAddress ?? "", text: "" };
}

const NOT_TLS =
  /^ERR_SSL_(?:HTTP_REQUEST|WRONG_VERSION_NUMBER|BAD_RECORD_TYPE|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE)$/u;
const REJECTED =
  /_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE)$/u;
const CLIENT_CERTIFICATE = /^ERR_SSL_(?:PEER_DID_NOT_RETURN_A_CERTIFICATE|CERTIFICATE_VERIFY_FAILED)$/u;

function reasonOfHandshake({ code = "" }: NodeJS.ErrnoException, socket: TLSSocket): ConnectionRefusalReason {
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "handshake_timeout";
  // A certificate that is not accepted shows only here: node closes the socket without an error.
  if (isUnauthorized(socket) || CLIENT_CERTIFICATE.test(code)) return "client_certificate";
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL") return "no_alpn";
  if (NOT_TLS.test(code)) return "not_tls";
  return REJECTED.test(code) ? "rejected_by_peer" : "handshake";
}

function isUnauthorized({ authorizationError }: TLSSocket): boolean {
  return typeof authorizationError === "string" && authorizationError !== "";
}

/** The library's reason without its trace of files and routines. */
function textOf(error: NodeJS.ErrnoException & { readonly reason?: string }, socket: TLSSocket): string {
  if (isUnauthorized(socket)) return String(socket.authorizationError);
  return error.reason ?? error.code ?? "";
}
