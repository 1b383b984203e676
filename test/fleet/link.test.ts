import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import type { ControllerCalls } from "../../src/control/fleet/controller-calls.ts";
import type { CallOutcome, ControllerLink } from "../../src/control/fleet/controller-link.ts";
import { METHODS, writeMessage } from "../../src/control/fleet/methods.ts";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { Secret } from "../../src/core/secret.ts";
import { openUnaryClient } from "../../src/http2/own/open.ts";
import type { TlsServerOptions } from "../../src/core/sockets/tls-server-options.ts";
import type { TlsClientOptions, UnaryResult } from "../../src/http2/port.ts";
import { createFleetAuth } from "../../src/server/fleet/fleet-auth.ts";
import { createFleetHandler, type ServedObserver } from "../../src/server/fleet/fleet-handler.ts";
import { type FleetListener, listenFleet, type RefusedConnection } from "../../src/server/fleet/fleet-listener.ts";
import { openHttp2Link } from "../../src/server/fleet/http2-link.ts";
import { createAuthority } from "../support/certs.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { FRAME, frame, PREFACE } from "../transport/frames.ts";
import { calm, type Heard, reportOf } from "./calls.ts";

const authority = createAuthority();
const env = { clock: systemClock, random: seededRandom(1) };
const { signal } = new AbortController();
const CALL = { signal, timeoutMs: 20_000 };

interface RigOptions {
  readonly calls?: ControllerCalls;
  readonly token?: string;
  readonly tls?: TlsServerOptions;
  readonly clock?: ManualClock;
  readonly maxConnections?: number;
}

interface Rig extends AsyncDisposable {
  readonly listener: FleetListener;
  readonly told: string[];
  readonly refused: RefusedConnection[];
  link(more?: { readonly token?: string; readonly tls?: TlsClientOptions }): ControllerLink;
}

async function rig({ calls = calm(), token, tls, clock, maxConnections }: RigOptions = {}): Promise<Rig> {
  const told: string[] = [];
  const refused: RefusedConnection[] = [];
  const observer: ServedObserver = {
    began: () => undefined,
    ended: (method, outcome) => void told.push(`${method} ${outcome}`),
    refused: (_peer, reason) => void told.push(reason),
    failed: (method) => void told.push(`${method} failed`),
  };
  const auth = createFleetAuth({
    token: token === undefined ? undefined : new Secret(token),
    mutual: tls?.clientCa !== undefined,
  });
  const handler = createFleetHandler({ calls, auth, clock: systemClock, observer });
  const onRefused = (reason: RefusedConnection): void => void refused.push(reason);
  const address = { host: "127.0.0.1", port: 0 };
  const bounds = maxConnections === undefined ? {} : { maxConnections };
  const listener = await listenFleet(
    { address, tls, handler, onRefused, ...bounds },
    { ...env, ...(clock && { clock }) },
  );
  const links: ControllerLink[] = [];
  return {
    listener,
    told,
    refused,
    link(more = {}) {
      const controller = { id: "c1", address: `127.0.0.1:${listener.address.port}`, tls: tls !== undefined };
      const shown = more.token === undefined ? undefined : new Secret(more.token);
      const link = openHttp2Link(controller, { token: () => shown, tls: more.tls ?? {}, ...env });
      links.push(link);
      return link;
    },
    async [Symbol.asyncDispose]() {
      for (const link of links) await link[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}

function shortly(outcome: CallOutcome<unknown>): string {
  return outcome.kind === "refused" ? `refused ${outcome.why}` : outcome.kind;
}

test("a link: every call goes over HTTP/2 and comes back", async () => {
  const heard: Heard[] = [];
  await using stage = await rig({ calls: calm(heard) });
  const link = stage.link();
  const before = systemClock.wallMs();
  const report = await link.call("report", reportOf("n1"), CALL);
  assert.ok(report.kind === "reply" && report.sent.wallMs >= before);
  assert.deepEqual(report.reply.controller, { id: "c1", epoch: "1.7" });
  const fetched = await link.call("fetch", { protocol: 1, id: "n1", digest: "a".repeat(64) }, CALL);
  assert.ok(fetched.kind === "reply" && fetched.reply.body === Buffer.from("text").toString("base64"));
  assert.equal(shortly(await link.call("await", { protocol: 1, id: "n1", known: {} }, CALL)), "reply");
  assert.equal(shortly(await link.call("goodbye", { protocol: 1, id: "n1", incarnation: "i1" }, CALL)), "reply");
  assert.equal(shortly(await link.call("members", { protocol: 1, region: "eu", limit: 10 }, CALL)), "reply");
  assert.equal(shortly(await link.call("member", { protocol: 1, id: "n1" }, CALL)), "reply");
  assert.deepEqual(
    heard.map(({ method }) => method),
    ["report", "fetch", "await", "goodbye", "members", "member"],
  );
  assert.deepEqual(heard[0]?.request, reportOf("n1"));
  assert.equal(stage.listener.connections, 1);
});

test("a link: what is news to many that look for members is written once", async () => {
  let written = 0;
  const reply = {
    protocol: 1,
    digest: "d",
    get found() {
      written++;
      return [];
    },
  };
  await using stage = await rig({ calls: calm([], { discover: async () => reply }) });
  const link = stage.link();
  for (const id of ["n1", "n2", "n3"]) {
    const answer = await link.call("discover", { protocol: 1, id, wanted: [] }, CALL);
    assert.ok(answer.kind === "reply" && answer.reply.digest === "d");
  }
  assert.equal(written, 1);
});

test("a link: whoever leads no more says who does", async () => {
  const leader = { id: "c2", address: "10.0.0.2:4321", tls: true };
  const calls = calm([], { report: async () => ({ protocol: 1, not_leader: true, leader }) });
  await using stage = await rig({ calls });
  assert.deepEqual(await stage.link().call("report", reportOf("n1"), CALL), { kind: "not_leader", leader });
  assert.deepEqual(stage.told, ["report not_leader"]);
});

test("a link: a held call is answered when there is news, and ends in the controller when its caller goes away", async () => {
  const heard: Heard[] = [];
  const held = Promise.withResolvers<{ protocol: number; directives: [] }>();
  const arrived = Promise.withResolvers<void>();
  const calls = calm(heard, {
    await(_request, called) {
      arrived.resolve();
      called.signal.addEventListener("abort", () => held.reject(new Error("gone")), { once: true });
      return held.promise;
    },
  });
  await using stage = await rig({ calls });
  const leaving = new AbortController();
  const outcome = stage.link().call("await", { protocol: 1, id: "n1", known: {} }, { ...CALL, signal: leaving.signal });
  await arrived.promise;
  leaving.abort();
  assert.equal((await outcome).kind, "unreachable");
  await assert.rejects(held.promise, /gone/u);
  assert.deepEqual(stage.told, ["await cancelled"]);
});

test("a link: a fault of the controller is told, and none of it ends the process", async () => {
  const calls = calm([], { members: async () => Promise.reject(new Error("out of order")) });
  await using stage = await rig({ calls });
  const outcome = await stage.link().call("members", { protocol: 1, region: "eu", limit: 1 }, CALL);
  assert.deepEqual(outcome, { kind: "refused", why: "fault", reason: "out of order" });
});

test("the token: without it, or with another one, nothing is served", async () => {
  const heard: Heard[] = [];
  await using stage = await rig({ calls: calm(heard), token: "right" });
  for (const token of [undefined, "wrong", "righ", "right2"]) {
    const outcome = await stage.link(token === undefined ? {} : { token }).call("report", reportOf("n1"), CALL);
    assert.equal(shortly(outcome), "refused unauthenticated");
  }
  assert.equal(shortly(await stage.link({ token: "right" }).call("report", reportOf("n1"), CALL)), "reply");
  assert.equal(heard.length, 1);
});

test("TLS: a collector that does not trust the controller's certificate does not speak to it", async () => {
  const { ca, server } = await authority;
  const heard: Heard[] = [];
  await using stage = await rig({ calls: calm(heard), tls: await server() });
  assert.equal((await stage.link({ tls: {} }).call("report", reportOf("n1"), CALL)).kind, "unreachable");
  assert.equal(heard.length, 0);
  assert.equal((await stage.link({ tls: { ca } }).call("report", reportOf("n1"), CALL)).kind, "reply");
});

test("mTLS: a node speaks for itself and for no other; its id is a name or the end of a URI of its certificate", async () => {
  const { ca, server, client } = await authority;
  await using stage = await rig({ tls: { ...(await server()), clientCa: ca } });
  const named = stage.link({ tls: { ca, ...(await client("x", ["n1", "spiffe://fleet/node/n2"])) } });
  for (const id of ["n1", "n2"]) assert.equal((await named.call("report", reportOf(id), CALL)).kind, "reply");
  for (const id of ["n3", "node", "x"]) {
    assert.equal(shortly(await named.call("report", reportOf(id), CALL)), "refused not_allowed");
  }
  const goodbye = await named.call("goodbye", { protocol: 1, id: "n3", incarnation: "i" }, CALL);
  assert.equal(shortly(goodbye), "refused not_allowed");
  // Whoever is of the fleet may ask who is there.
  assert.equal((await named.call("member", { protocol: 1, id: "n3" }, CALL)).kind, "reply");
  const stranger = stage.link({ tls: { ca } });
  assert.equal((await stranger.call("report", reportOf("n1"), CALL)).kind, "unreachable");
});

/** What no link sends. */
async function raw(stage: Rig, path: string, message: Uint8Array): Promise<UnaryResult> {
  await using client = openUnaryClient(
    {
      url: `http://127.0.0.1:${stage.listener.address.port}`,
      connections: 1,
      connectTimeoutMs: 10_000,
      maxResponseBytes: 1_000_000,
      keepaliveTimeMs: 0,
      keepaliveTimeoutMs: 1_000,
      userAgent: "raw",
    },
    env,
  );
  const request = {
    path,
    metadata: {},
    pieces: [message],
    messageBytes: message.length,
    encoding: "identity",
    timeoutMs: 20_000,
  } as const;
  return await new Promise((resolve) => client.unary(request, resolve));
}

test("a listener: what is too large, no message or no method is refused, and nothing of it is asked of the controller", async () => {
  const heard: Heard[] = [];
  await using stage = await rig({ calls: calm(heard) });
  const { path } = METHODS.report;
  const status = async (where: string, message: Uint8Array): Promise<number | string> => {
    const result = await raw(stage, where, message);
    return result.kind === "answer" ? result.status : result.reason;
  };
  assert.equal(await status(path, new Uint8Array(262_145)), 8);
  assert.equal(await status(path, Buffer.from("{")), 3);
  assert.equal(await status(path, writeMessage({ ...reportOf("n1"), id: "not an id" })), 3);
  assert.equal(await status(path, writeMessage({ ...reportOf("n1"), load: { cpu: -1 } })), 3);
  assert.equal(await status("/signalbox.fleet.v1.Controller/Delete", Buffer.from("{}")), 12);
  assert.equal(heard.length, 0);
});

test("a listener: more new connections than may come in a second are closed before their handshake", async () => {
  const clock = new ManualClock();
  await using stage = await rig({ clock });
  const { port } = stage.listener.address;
  const sockets: net.Socket[] = [];
  /** Whether it was reset: whoever is let in gets the server's SETTINGS. */
  const dial = async (): Promise<boolean> => {
    const socket = net.connect(port, "127.0.0.1").on("error", () => undefined);
    sockets.push(socket);
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS)]));
    return await new Promise((resolve) => {
      socket.once("data", () => resolve(false));
      socket.once("close", () => resolve(true));
    });
  };
  const first = await Promise.all(Array.from({ length: 150 }, dial));
  assert.equal(first.filter(Boolean).length, 0);
  assert.equal(await dial(), true);
  assert.deepEqual(stage.refused, ["rate"]);
  clock.advance(1_000 / 150 + 0.001);
  assert.equal(await dial(), false);
  assert.equal(await dial(), true);
  for (const socket of sockets) socket.destroy();
});

test("a listener: whoever has not shown in 15 s that it is of the fleet is sent away, also while it goes on asking", async () => {
  const clock = new ManualClock();
  await using stage = await rig({ clock, token: "right" });
  const member = stage.link({ token: "right" });
  assert.equal(shortly(await member.call("report", reportOf("n1"), CALL)), "reply");
  const stranger = stage.link({ token: "wrong" });
  assert.equal(shortly(await stranger.call("report", reportOf("n1"), CALL)), "refused unauthenticated");
  const silent = net.connect(stage.listener.address.port, "127.0.0.1").on("error", () => undefined);
  await once(silent, "connect");
  while (stage.listener.arrived < 3) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(14_000);
  assert.deepEqual(stage.refused, []);
  const left = once(silent, "close");
  clock.advance(1_000);
  await left;
  assert.deepEqual(stage.refused, ["silent", "silent"]);
  while (stage.listener.arrived > 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(shortly(await member.call("report", reportOf("n1", { seq: 2 }), CALL)), "reply");
});

test("a listener: connections count from their first moment on, handshake or not", async () => {
  await using stage = await rig({ tls: await (await authority).server(), maxConnections: 2 });
  const { port } = stage.listener.address;
  const sockets = Array.from({ length: 3 }, () => net.connect(port, "127.0.0.1").on("error", () => undefined));
  await Promise.race(sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
  assert.deepEqual(stage.refused, ["limit"]);
  for (const socket of sockets) socket.destroy();
});

test("a listener that closes lets the answers go out that its controller still has", async () => {
  const held = Promise.withResolvers<{ protocol: number; not_leader: true }>();
  const arrived = Promise.withResolvers<void>();
  const calls = calm([], {
    await() {
      arrived.resolve();
      return held.promise;
    },
  });
  await using stage = await rig({ calls });
  const outcome = stage.link().call("await", { protocol: 1, id: "n1", known: {} }, CALL);
  await arrived.promise;
  const closed = stage.listener.close(20_000);
  held.resolve({ protocol: 1, not_leader: true });
  assert.deepEqual(await outcome, { kind: "not_leader", leader: undefined });
  await closed;
});
