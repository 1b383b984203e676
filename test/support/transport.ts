import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS, type GrpcTransport } from "../../src/core/grpc-transport.ts";

const asked = process.env["TEST_GRPC_TRANSPORT"];

/**
 * TEST_GRPC_TRANSPORT=own|node runs the same tests on one implementation of HTTP/2; undefined when
 * it is not set.
 */
export const ASKED_TRANSPORT: GrpcTransport | undefined = GRPC_TRANSPORTS.find((transport) => transport === asked);
if (asked !== undefined && ASKED_TRANSPORT === undefined) throw new Error(`TEST_GRPC_TRANSPORT=${asked} is none`);

export const TEST_TRANSPORT: GrpcTransport = ASKED_TRANSPORT ?? DEFAULT_GRPC_TRANSPORT;
