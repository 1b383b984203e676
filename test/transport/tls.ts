import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import type { TlsServerOptions } from "../../src/core/sockets/tls-server-options.ts";
import type { TlsClientOptions, UnaryHandler, UnaryResult } from "../../src/http2/port.ts";
import { createAuthority } from "../support/certs.ts";
import { FRAME, frame, PREFACE } from "./frames.ts";
import {
  ask,
  clientOptions,
  echo,
  type Guarantees,
  Happenings,
  hold,
  manualEnv,
  ok,
  PATH,
  request,
  serverOptions,
  type UnaryTransport,
  whenClosed,
} from "./rig.ts";

const authority = createAuthority();
const stranger = createAuthority("Somebody else");

/** One call over TLS. */
async function over(
  transport: UnaryTransport,
  serverTls: TlsServerOptions,
  clientTls: TlsClientOptions,
  host = "127.0.0.1",
): Promise<UnaryResult> {
  const env = manualEnv();
  await using server = await transport.listen(serverOptions(echo, { tls: serverTls }), env);
  const options = { ...clientOptions(server.port), url: `https://${host}:${server.port}`, tls: clientTls };
  await using client = transport.connect(options, env);
  const result = await ask(client);
  if (result.kind === "answer") assert.deepEqual([result.status, result.message.length], [0, 4]);
  return result;
}

function refused(result: UnaryResult): void {
  assert.ok(result.kind === "failed");
  assert.deepEqual([result.reason, result.unprocessed], ["connect", true]);
}

/** Calls over TLS, with and without client certificates. */
export const TLS: Guarantees = {
  "a call goes over TLS when the client trusts the server's authority": async (transport) => {
    const { ca, server } = await authority;
    assert.equal((await over(transport, await server(), { ca })).kind, "answer");
  },
  "large messages go over TLS whole, in both directions, several at a time": async (transport) => {
    const { ca, server: identity } = await authority;
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo, { tls: await identity() }), env);
    const options = { ...clientOptions(server.port), url: `https://127.0.0.1:${server.port}`, tls: { ca } };
    await using client = transport.connect(options, env);
    const messages = [1, 2, 3].map((first) => Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => first + i * 7)));
    const results = await Promise.all(messages.map((message) => ask(client, request([message]))));
    for (const [at, result] of results.entries()) {
      assert.ok(result.kind === "answer" && messages[at]?.equals(result.message) === true);
    }
  },
  "a server of an unknown authority is not called": async (transport) => {
    const { server } = await authority;
    refused(await over(transport, await server(), { ca: (await stranger).ca }));
  },
  "a certificate for another name is not accepted, unless that name is asked for": async (transport) => {
    const { ca, server } = await authority;
    const other = await server(["collector.example"]);
    refused(await over(transport, other, { ca }));
    assert.equal((await over(transport, other, { ca, serverName: "collector.example" })).kind, "answer");
  },
  "a client says which host it means, unless that is an address": async (transport) => {
    const { ca, server: issue } = await authority;
    const server = tls.createServer({ ...(await issue(["localhost", "127.0.0.1", "collector.example"])) });
    const names = new Happenings<unknown>();
    server.on("secureConnection", (socket) => {
      names.add(socket.servername);
      socket.on("error", () => undefined).destroy();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const asked = [
      { host: "localhost", want: "localhost" },
      { host: "127.0.0.1", want: false },
      { host: "127.0.0.1", serverName: "collector.example", want: "collector.example" },
      { host: "localhost", serverName: "127.0.0.1", want: false },
    ];
    for (const { host, serverName, want } of asked) {
      const tlsOptions = { ca, ...(serverName !== undefined && { serverName }) };
      const options = { ...clientOptions(1), url: `https://${host}:${address.port}`, tls: tlsOptions };
      await using client = transport.connect(options, manualEnv());
      assert.equal((await ask(client)).kind, "failed");
      assert.equal(await names.next(), want);
    }
    server.close();
  },
  "an address that is named as the server's is expected in its certificate": async (transport) => {
    const { ca, server } = await authority;
    const other = await server(["10.1.2.3"]);
    refused(await over(transport, other, { ca }));
    refused(await over(transport, other, { ca, serverName: "10.1.2.4" }));
    assert.equal((await over(transport, other, { ca, serverName: "10.1.2.3" })).kind, "answer");
  },
  "TLS 1.2 is spoken, and nothing older": async (transport) => {
    const { ca, server: issue } = await authority;
    await using server = await transport.listen(serverOptions(echo, { tls: await issue() }), manualEnv());
    for (const version of ["TLSv1.2", "TLSv1.1"] as const) {
      const socket = tls.connect({
        host: "127.0.0.1",
        port: server.port,
        ca,
        ALPNProtocols: ["h2"],
        minVersion: version,
        maxVersion: version,
        ...(version === "TLSv1.1" && { ciphers: "DEFAULT@SECLEVEL=0" }),
      });
      socket.on("error", () => undefined);
      const spoken = once(socket, "secureConnect").then(() => socket.getProtocol());
      assert.equal(
        await Promise.race([spoken.catch(() => "none"), whenClosed(socket).then(() => "none")]),
        {
          "TLSv1.2": "TLSv1.2",
          "TLSv1.1": "none",
        }[version],
      );
      socket.destroy();
    }
  },
  "bytes that are no TLS, after the handshake, end the connection on both sides": async (transport) => {
    const { ca, server: issue } = await authority;
    const env = manualEnv();
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler, { tls: await issue() }), env);
    const pairs: [net.Socket, net.Socket][] = [];
    const proxy = net.createServer((near) => {
      const far = net.connect(server.port, "127.0.0.1");
      for (const socket of [near.pipe(far), far.pipe(near)]) socket.on("error", () => undefined);
      pairs.push([near, far]);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const address = proxy.address();
    assert.ok(address !== null && typeof address === "object");
    const url = `https://127.0.0.1:${address.port}`;
    for (const side of [0, 1]) {
      await using client = transport.connect({ ...clientOptions(1), url, tls: { ca } }, env);
      const result = ask(client);
      await calls.next();
      pairs.at(-1)?.[side]?.write(Buffer.from([23, 3, 3, 0, 30, ...Array.from({ length: 30 }, () => 7)]));
      const { kind, reason = "" } = { reason: undefined, ...(await result) };
      assert.deepEqual([kind, reason], ["failed", "reset"]);
      await cancelled.next();
    }
    proxy.close();
  },
  "a peer that wants to renegotiate TLS loses its connection": async (transport) => {
    const { ca, server: issue } = await authority;
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo, { tls: await issue() }), env);
    const socket = tls.connect({
      host: "127.0.0.1",
      port: server.port,
      ca,
      ALPNProtocols: ["h2"],
      maxVersion: "TLSv1.2",
    });
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "secureConnect");
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS)]));
    await once(socket, "data");
    socket.renegotiate({}, () => undefined);
    await whenClosed(socket);
    const options = { ...clientOptions(server.port), url: `https://127.0.0.1:${server.port}`, tls: { ca } };
    await using client = transport.connect(options, env);
    assert.equal((await ask(client)).kind, "answer");
  },
  "with insecureSkipVerify any certificate will do": async (transport) => {
    const { server } = await stranger;
    const tlsOptions = { insecureSkipVerify: true };
    assert.equal((await over(transport, await server(["collector.example"]), tlsOptions)).kind, "answer");
  },
  "mTLS: a client with a certificate of the authority is let in": async (transport) => {
    const { ca, server, client } = await authority;
    const serverTls = { ...(await server()), clientCa: ca };
    assert.equal((await over(transport, serverTls, { ca, ...(await client()) })).kind, "answer");
  },
  "mTLS: a client without a certificate, or with one of another authority, is not": async (transport) => {
    const { ca, server } = await authority;
    const serverTls = { ...(await server()), clientCa: ca };
    for (const identity of [{}, await (await stranger).client()]) {
      const result = await over(transport, serverTls, { ca, ...identity });
      assert.ok(result.kind === "failed" && result.reason === "connect");
    }
  },
  "mTLS: a handler is told the names and URIs of the client's certificate, and none without mTLS": async (
    transport,
  ) => {
    const { ca, server, client } = await authority;
    const told: (readonly string[])[] = [];
    const handler: UnaryHandler = (call) => {
      told.push(call.peerNames);
      return echo(call);
    };
    const identity = await client("somebody", ["node-1", "spiffe://fleet/node-1"]);
    for (const more of [{ clientCa: ca }, {}]) {
      const options = serverOptions(handler, { tls: { ...(await server()), ...more } });
      await using listening = await transport.listen(options, manualEnv());
      const url = `https://127.0.0.1:${listening.port}`;
      await using caller = transport.connect({ ...clientOptions(1), url, tls: { ca, ...identity } }, manualEnv());
      assert.equal((await ask(caller)).kind, "answer");
    }
    assert.deepEqual(told, [["node-1", "spiffe://fleet/node-1"], []]);
  },
  "what is no TLS, and TLS without HTTP/2, ends its connection and nothing else": async (transport) => {
    const env = manualEnv();
    const { ca, server: issue } = await authority;
    await using server = await transport.listen(serverOptions(echo, { tls: await issue() }), env);
    const plain = net.connect({ host: "127.0.0.1", port: server.port });
    plain.on("error", () => undefined);
    plain.resume();
    plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await whenClosed(plain);
    const old = tls.connect({ host: "127.0.0.1", port: server.port, ca, ALPNProtocols: ["http/1.1"] });
    old.on("error", () => undefined);
    old.resume();
    await whenClosed(old);
    await using client = transport.connect(
      { ...clientOptions(server.port), url: `https://127.0.0.1:${server.port}`, tls: { ca } },
      env,
    );
    assert.equal((await ask(client)).kind, "answer");
  },
  "a peer with TLS but without HTTP/2 fails the call": async (transport) => {
    const { ca, server: issue } = await authority;
    const server = tls.createServer({ ...(await issue()) }, (socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const url = `https://127.0.0.1:${address.port}`;
    await using client = transport.connect({ ...clientOptions(address.port), url, tls: { ca } }, manualEnv());
    refused(await ask(client));
    server.close();
  },
  "a connection over TLS that answers its PINGs stays, on both sides": async (transport) => {
    const env = manualEnv();
    const { ca, server: issue } = await authority;
    const keepalive = { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 2_000 };
    const { handler, calls } = hold();
    const options = serverOptions((call) => (call.path === PATH ? handler(call) : echo(call)), keepalive);
    await using server = await transport.listen({ ...options, tls: await issue() }, env);
    const url = `https://127.0.0.1:${server.port}`;
    await using client = transport.connect({ ...clientOptions(server.port), url, tls: { ca }, ...keepalive }, env);
    const result = ask(client, request([new Uint8Array(4)], { timeoutMs: 1_000_000 }));
    const { call } = await calls.next();
    const session = http2.connect(url, { ca });
    await once(session, "remoteSettings");
    await new Promise((pong) => session.ping(pong));
    await ask(client, request([new Uint8Array(1)], { path: "/echo" }));
    env.clock.advance(10_000); // there were bytes since the beginning: no PING yet
    for (let times = 0; times < 3; times++) {
      const pinged = once(session, "ping");
      env.clock.advance(10_000);
      await pinged;
      await new Promise((pong) => session.ping(pong));
      await ask(client, request([new Uint8Array(1)], { path: "/echo" }));
      env.clock.advance(2_000);
    }
    assert.equal(server.connections, 2);
    call.reply(ok());
    assert.equal((await result).kind, "answer");
    session.destroy();
  },
  "PEM that is none is refused when opening": async (transport) => {
    const tlsOptions = { cert: "no certificate", key: "no key" };
    await assert.rejects(async () => transport.listen(serverOptions(echo, { tls: tlsOptions }), manualEnv()), {
      code: "TLS_INVALID",
    });
    const options = { ...clientOptions(1), url: "https://127.0.0.1:1", tls: tlsOptions };
    assert.throws(() => transport.connect(options, manualEnv()), { code: "TLS_INVALID" });
  },
};
