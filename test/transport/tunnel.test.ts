import { after } from "node:test";
import { openUnaryClient as openNodeClient } from "../../src/http2/node-client.ts";
import { listenUnary as listenNode } from "../../src/http2/node-server.ts";
import { listenUnary } from "../../src/http2/own/listen-unary.ts";
import { openUnaryClient } from "../../src/http2/own/open.ts";
import type { TunnelProxy } from "../../src/http2/tunnel.ts";
import { createAuthority } from "../support/certs.ts";
import { TestProxy } from "../support/proxy.ts";
import { EXCHANGE } from "./exchange.ts";
import { REPLY_READING } from "./replies.ts";
import { runGuarantees, type UnaryTransport } from "./rig.ts";
import { TLS } from "./tls.ts";

const authority = await createAuthority("Authority of the proxy");
const plain = await TestProxy.open();
const secure = await TestProxy.open({ tls: await authority.server() });
after(async () => {
  await plain[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

const PROXIES: readonly (readonly [string, TunnelProxy])[] = [
  ["a proxy", { host: "127.0.0.1", port: plain.port, tls: false }],
  ["a proxy over TLS", { host: "127.0.0.1", port: secure.port, tls: true, ca: authority.ca }],
];
const TRANSPORTS: readonly (readonly [string, UnaryTransport])[] = [
  ["own HTTP/2", { listen: listenUnary, connect: openUnaryClient }],
  ["node:http2", { listen: listenNode, connect: openNodeClient }],
];

/**
 * A client may rely on the same whatever is on its way. (Where time is moved by hand a way of two
 * steps shows: not here.)
 */
for (const [p, [way, proxy]] of PROXIES.entries()) {
  // The way over TLS is the same for both.
  for (const [name, { listen, connect }] of TRANSPORTS.slice(0, p === 0 ? 2 : 1)) {
    const through: UnaryTransport = { listen, connect: (options, env) => connect({ ...options, proxy }, env) };
    runGuarantees(`${name} through ${way}: exchange`, through, EXCHANGE);
    runGuarantees(`${name} through ${way}: replies`, through, REPLY_READING);
    runGuarantees(`${name} through ${way}: TLS`, through, TLS);
  }
}
