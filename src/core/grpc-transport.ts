/** The implementations of HTTP/2 below gRPC: our own, and that of Node. */
export const GRPC_TRANSPORTS = ["own", "node"] as const;
export type GrpcTransport = (typeof GRPC_TRANSPORTS)[number];

export const DEFAULT_GRPC_TRANSPORT: GrpcTransport = "own";
