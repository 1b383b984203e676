import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { listenOptions } from "../../src/server/listen-options.ts";
import { createAuthority, type Identity } from "../support/certs.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, startWorkers } from "./worker-node.ts";

const POOL = { default_pool: { targets: ["a"] } };
const authority = await createAuthority();
const folder = mkdtempSync(join(tmpdir(), "signalbox-workers-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function identity(name: string): Promise<{ cert: string; key: string }> {
  const { cert, key } = await authority.server();
  writeFileSync(join(folder, `${name}.pem`), cert);
  writeFileSync(join(folder, `${name}.key`), key);
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

interface Dialled {
  readonly socket: TLSSocket;
  readonly session: Buffer | undefined;
}

/** A TLS connection, with the session of another if there is one, until it has heard something. */
async function dial(port: number, session?: Buffer, client?: Identity): Promise<Dialled> {
  const options = { port, host: "127.0.0.1", ca: authority.ca, ALPNProtocols: ["h2"], session };
  const socket = connectTls({ ...options, ...client });
  socket.on("error", () => undefined);
  let given: Buffer | undefined;
  socket.on("session", (one: Buffer) => {
    given = one;
  });
  await once(socket, "secureConnect");
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); // sessions of TLS 1.3 come with the first bytes
  socket.write(Uint8Array.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await Promise.race([once(socket, "data"), once(socket, "close")]);
  return { socket, session: given };
}

test("workers: a TLS session of one is resumed by the other", async () => {
  await using a = await openGrpcSink();
  const node = { listen: { otlp_grpc: { tls: await identity("one") } } };
  await using running = await startWorkers(2, { ...POOL, node }, { a });
  const port = Number(running.grpc.split(":")[1]);
  const first = await dial(port);
  const second = await dial(port, first.session);
  assert.deepEqual(
    (await running.workers()).map(({ connections }) => connections),
    [1, 1],
  );
  assert.deepEqual([first.socket.isSessionReused(), second.socket.isSessionReused()], [false, true]);
  for (const { socket } of [first, second]) socket.destroy();
});

test("workers: a session of a client is not resumed by any when the authority that let it in is another", async () => {
  await using a = await openGrpcSink();
  writeFileSync(join(folder, "clients.pem"), authority.ca);
  const tls = { ...(await identity("clients-server")), client_ca: join(folder, "clients.pem") };
  await using running = await startWorkers(2, { ...POOL, node: { listen: { otlp_grpc: { tls } } } }, { a });
  const port = Number(running.grpc.split(":")[1]);
  const client = await authority.client();
  const { dataPlane, walk } = running.running;
  const options = listenOptions(walk.status.running.node);
  const others = (await createAuthority("other")).ca;
  const outcomes = [];
  let { socket, session } = await dial(port, undefined, client);
  const sockets = [socket];
  for (const clientCa of [authority.ca, others, authority.ca]) {
    const listeners = options.listeners.map((one) => ({ ...one, tls: one.tls && { ...one.tls, clientCa } }));
    await dataPlane.renew({ ...options, listeners });
    for (let worker = 0; worker < 2; worker++) {
      ({ socket } = await dial(port, session, client));
      sockets.push(socket);
      outcomes.push(socket.destroyed ? "closed" : socket.isSessionReused() ? "resumed" : "anew");
    }
  }
  // Not let in with what it had before: neither by another authority, nor when the first is back.
  assert.deepEqual(outcomes, ["resumed", "resumed", "closed", "closed", "anew", "anew"]);
  for (const one of sockets) one.destroy();
});

test("workers: more connections than the node may have are closed where they are accepted, and counted", async () => {
  await using a = await openGrpcSink();
  await using running = await startWorkers(2, { ...POOL, node: { limits: { max_connections: 2 } } }, { a });
  const senders = [1, 2].map((source) => new Sender({ via: "grpc", address: running.grpc, source, service: "s" }));
  for (const sender of senders) await sender.sendOne();
  const third = connect(Number(running.grpc.split(":")[1]), "127.0.0.1");
  third.on("error", () => undefined);
  await once(third, "close");
  assert.equal(await running.metric("signalbox_connections_refused_total"), 1);
  await senders[0]?.[Symbol.asyncDispose]();
  await eventually(async () => (await running.workers()).reduce((sum, one) => sum + one.connections, 0) === 1);
  await using next = new Sender({ via: "grpc", address: running.grpc, source: 3, service: "s" });
  assert.equal((await next.sendOne()).answer.kind, "taken");
  await senders[1]?.[Symbol.asyncDispose]();
});

test("workers: who connects while none runs waits, and is served by the next", async () => {
  await using a = await openGrpcSink();
  await using running = await startWorkers(1, POOL, { a });
  const [pid] = await running.pids();
  process.kill(pid!, "SIGKILL");
  await eventually(async () => running.logged("a worker ended, and is started again").length > 0);
  await using sender = new Sender({ via: "grpc", address: running.grpc, source: 1, service: "s" });
  assert.equal((await sender.sendOne()).answer.kind, "taken");
});
