import { createHook } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import http2, { type ClientHttp2Session } from "node:http2";
import net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { openUnaryClient } from "../../src/http2/node-client.ts";
import { keepNative, keepNativeFor } from "../../src/http2/node-natives.ts";
import { listenUnary } from "../../src/http2/node-server.ts";
import { FRAME } from "../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../src/http2/own/hpack/encoder.ts";
import { frame, headers, PREFACE, settings, SETTINGS_ACK, windowUpdate } from "../http2/core/raw.ts";
import { openRawPeer } from "../support/raw-peer.ts";
import { ask, clientOptions, manualEnv, ok, PATH, serverOptions, utf8, whenClosed } from "./rig.ts";

/*
 * Peers that begin a header block and go: node:http2 must not end the process. Run with
 * --expose-gc: `node unfinished-headers.ts client | server | written` says `done` at its end.
 */
const TIMES = 5;
/** Of sessions that are collected together: which goes first is up to the collector. */
const SESSIONS = 12;
const LARGE = Buffer.alloc(8_388_608);
const OPEN_WIDE = Buffer.concat([settings(4, 0x4000_0000), windowUpdate(0, 0x4000_0000)]);

const BEGUN = ["x-some-name", "some value that is kept"];
const unfinished = (stream: number, list: readonly string[]): Buffer =>
  frame(FRAME.HEADERS, 0, stream, encodeHeaders([...list]));

/**
 * Collects at the worst moment: what a stream had still to write is given up in the turn in which
 * it is freed, when its session has no other use.
 */
function collectAmongWrites(): void {
  const writes = new Set<number>();
  createHook({
    init: (id, type) => void (type === "WRITEWRAP" && writes.add(id)),
    before: (id) => void (writes.has(id) && globalThis.gc?.()),
  }).enable();
}

/** Calls `run` when HEADERS have come. */
function onCall(socket: net.Socket, run: () => void): void {
  let rest = Buffer.alloc(0);
  let at = PREFACE.length;
  socket.on("data", function read(chunk: Buffer) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= at + 9; at += 9 + rest.readUIntBE(at, 3)) {
      if (rest[at + 3] !== FRAME.HEADERS) continue;
      socket.off("data", read);
      run();
      return;
    }
  });
}

async function client(): Promise<void> {
  collectAmongWrites();
  await using peer = await openRawPeer();
  peer.accept = (socket) => {
    socket.write(settings(4, 0)); // so that the body of the call waits
    onCall(socket, () => void peer.say(socket, [unfinished(1, [":status", "200", ...BEGUN])], "ended"));
  };
  for (let i = 0; i < TIMES; i++) {
    await using asker = openUnaryClient(clientOptions(peer.port), manualEnv());
    await ask(asker);
  }
}

async function server(): Promise<void> {
  collectAmongWrites();
  const accepted: net.Socket[] = [];
  subscribe("net.server.socket", (message) => {
    accepted.push((message as { readonly socket: net.Socket }).socket); // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this channel
  });
  const replying = serverOptions((call) => {
    call.reply(ok(utf8("early")));
    return undefined;
  });
  const listening = await listenUnary(replying, manualEnv());
  const call = [
    ":method",
    "POST",
    ":scheme",
    "http",
    ":authority",
    "a",
    ":path",
    PATH,
    "content-type",
    "application/grpc",
  ];
  for (let i = 0; i < TIMES; i++) {
    const socket = net.connect(listening.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(Buffer.concat([PREFACE, settings(4, 0), SETTINGS_ACK, headers(1, call, 0)]));
    while (socket.bytesRead < 60) await turn(); // SETTINGS and the head of the reply
    socket.write(unfinished(1, BEGUN));
    const served = accepted[i]!;
    while (served.bytesRead < socket.bytesWritten) await turn();
    socket.end();
    await whenClosed(served);
    for (let k = 0; k < 4; k++) await turn();
  }
  await listening.drain(0);
}

/** Streams that are given up while their bytes are on their way go by garbage collection alone. */
async function written(): Promise<void> {
  const peer = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(OPEN_WIDE);
    onCall(socket, () => {
      socket.pause();
      socket.write(unfinished(1, [":status", "200", ...BEGUN]));
    });
  });
  await once(peer.listen(0, "127.0.0.1"), "listening");
  const address = peer.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  for (let i = 0; i < TIMES; i++) {
    await Promise.all(Array.from({ length: SESSIONS }, () => giveUp(address.port)));
    for (let k = 0; k < 3; k++) await turn();
    globalThis.gc?.();
  }
  peer.close();
}

async function giveUp(port: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  const session: ClientHttp2Session = http2.connect("http://peer", { createConnection: () => socket });
  for (const part of [socket, session]) part.on("error", () => undefined);
  session.once("connect", () => keepNative(session));
  await once(session, "remoteSettings");
  const before = socket.bytesRead;
  const stream = session.request({ ":method": "POST", ":path": PATH }, { endStream: false });
  stream.on("error", () => undefined);
  keepNativeFor(stream);
  while (socket.bytesRead === before) await turn();
  stream.end(LARGE);
  for (let k = 0; k < 3; k++) await turn();
  stream.destroy();
  setImmediate(() => socket.destroy());
  await whenClosed(socket);
}

const scenes: Readonly<Record<string, () => Promise<void>>> = { client, server, written };
await scenes[process.argv[2] ?? ""]?.();
globalThis.gc?.();
process.stdout.write("done");
process.exit();
