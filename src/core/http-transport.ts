/** The implementations of HTTP/1.1 below OTLP/HTTP: our own, and that of Node. */
export const HTTP_TRANSPORTS = ["own", "node"] as const;
export type HttpTransport = (typeof HTTP_TRANSPORTS)[number];

export const DEFAULT_HTTP_TRANSPORT: HttpTransport = "own";
