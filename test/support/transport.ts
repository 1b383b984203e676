import { DEFAULT_HTTP_TRANSPORT, HTTP_TRANSPORTS, type HttpTransport } from "../../src/core/http-transport.ts";
import { DEFAULT_GRPC_TRANSPORT, GRPC_TRANSPORTS, type GrpcTransport } from "../../src/core/grpc-transport.ts";

const asked = process.env["TEST_GRPC_TRANSPORT"];

/**
 * TEST_GRPC_TRANSPORT=own|node runs the same tests on one implementation of HTTP/2; undefined when
 * it is not set.
 */
export const ASKED_TRANSPORT: GrpcTransport | undefined = GRPC_TRANSPORTS.find((transport) => transport === asked);
if (asked !== undefined && ASKED_TRANSPORT === undefined) throw new Error(`TEST_GRPC_TRANSPORT=${asked} is none`);

export const TEST_TRANSPORT: GrpcTransport = ASKED_TRANSPORT ?? DEFAULT_GRPC_TRANSPORT;

const askedHttp = process.env["TEST_HTTP_TRANSPORT"];

/** The same of HTTP/1.1: TEST_HTTP_TRANSPORT=own|node. */
export const ASKED_HTTP_TRANSPORT: HttpTransport | undefined = HTTP_TRANSPORTS.find((one) => one === askedHttp);
if (askedHttp !== undefined && ASKED_HTTP_TRANSPORT === undefined)
  throw new Error(`TEST_HTTP_TRANSPORT=${askedHttp} is none`);

export const TEST_HTTP_TRANSPORT: HttpTransport = ASKED_HTTP_TRANSPORT ?? DEFAULT_HTTP_TRANSPORT;
