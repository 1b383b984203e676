import { openUnaryClient as openNodeClient } from "../../src/http2/node-client.ts";
import { listenUnary as listenNode } from "../../src/http2/node-server.ts";
import { listenUnary } from "../../src/http2/own/listen.ts";
import { openUnaryClient } from "../../src/http2/own/open.ts";
import { unaryTransportContract } from "./contract.ts";
import { EXCHANGE } from "./exchange.ts";
import { LIFETIME } from "./lifetime.ts";
import { OWN } from "./own.ts";
import { runGuarantees } from "./rig.ts";
import { TLS } from "./tls.ts";

unaryTransportContract("own HTTP/2", { listen: listenUnary, connect: openUnaryClient });
runGuarantees("own HTTP/2", { listen: listenUnary, connect: openUnaryClient }, OWN);

/** Each side with the other implementation's peer; how each does with grpc-js is in the contract. */
const MIXED = {
  "own server, client of node:http2": { listen: listenUnary, connect: openNodeClient },
  "server of node:http2, own client": { listen: listenNode, connect: openUnaryClient },
};
for (const [name, transport] of Object.entries(MIXED)) {
  runGuarantees(`${name}: exchange`, transport, EXCHANGE);
  runGuarantees(`${name}: lifetime`, transport, LIFETIME);
  runGuarantees(`${name}: TLS`, transport, TLS);
}
