/** What a listener with TLS is made with. */
export interface TlsServerOptions {
  readonly cert: string;
  readonly key: string;
  /**
   * PEM of the authorities whose clients are let in (mTLS). Without it no client certificate is
   * asked for.
   */
  readonly clientCa?: string;
  /**
   * 48 bytes that several servers share, so that each resumes the sessions of all; made up without.
   */
  readonly ticketKeys?: Buffer;
}
