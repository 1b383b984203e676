import type { TlsOptions } from "node:tls";

/** What a listener with TLS is made with. */
export interface TlsServerOptions {
  readonly cert: string;
  readonly key: string;
  /**
   * PEM of the authorities whose clients are let in (mTLS). Without it no client certificate is
   * asked for.
   */
  readonly clientCa?: string | undefined;
  /**
   * 48 bytes that several servers share, so that each resumes the sessions of all; made up without.
   */
  readonly ticketKeys?: Buffer;
}

/** PEM texts of one server that shares its sessions with no other. */
export type ServerCertificate = Omit<TlsServerOptions, "ticketKeys">;

/** Who connects and does not go on holds a place among the connections that there may be. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** What the TLS library is told. `protocols`: those of ALPN that are spoken, the best first. */
export function tlsOptionsOf(
  { cert, key, clientCa, ticketKeys }: TlsServerOptions,
  protocols: readonly string[],
): TlsOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const tickets = ticketKeys === undefined ? {} : { ticketKeys };
  const limits = { minVersion: "TLSv1.2", handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS } as const;
  return { cert, key, ...limits, ALPNProtocols: [...protocols], ...clients, ...tickets };
}
