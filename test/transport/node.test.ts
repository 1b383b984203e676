import { openUnaryClient } from "../../src/http2/node-client.ts";
import { listenUnary } from "../../src/http2/node-server.ts";
import { unaryTransportContract } from "./contract.ts";

unaryTransportContract("node:http2", { listen: listenUnary, connect: openUnaryClient });
