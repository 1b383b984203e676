import { openUnaryClient as openNodeClient } from "../../src/http2/node-client.ts";
import { listenUnary as listenNode } from "../../src/http2/node-server.ts";
import { readInChunks } from "../../src/core/sockets/read-socket.ts";
import { listenReading, listenUnary } from "../../src/http2/own/listen-unary.ts";
import { openUnaryClient } from "../../src/http2/own/open.ts";
import { unaryTransportContract } from "./contract.ts";
import { EXCHANGE } from "./exchange.ts";
import { LIFETIME } from "./lifetime.ts";
import { OWN } from "./own.ts";
import { runGuarantees, type UnaryTransport } from "./rig.ts";
import { TLS } from "./tls.ts";

unaryTransportContract("own HTTP/2", { listen: listenUnary, connect: openUnaryClient });
runGuarantees("own HTTP/2", { listen: listenUnary, connect: openUnaryClient }, OWN);

/** Where node keeps what `readAccepted` looks for elsewhere, sockets are read so. */
const CHUNKS: UnaryTransport = {
  listen: (options, env) => listenReading(readInChunks, options, env),
  connect: openUnaryClient,
};
unaryTransportContract("own HTTP/2, sockets read in chunks", CHUNKS);
runGuarantees("own HTTP/2, sockets read in chunks", CHUNKS, OWN);

/**
 * Each side with the other implementation's peer; how each does with grpc-js is in the contract.
 */
const MIXED = {
  "own server, client of node:http2": { listen: listenUnary, connect: openNodeClient },
  "server of node:http2, own client": { listen: listenNode, connect: openUnaryClient },
};
for (const [name, transport] of Object.entries(MIXED)) {
  runGuarantees(`${name}: exchange`, transport, EXCHANGE);
  runGuarantees(`${name}: lifetime`, transport, LIFETIME);
  runGuarantees(`${name}: TLS`, transport, TLS);
}
