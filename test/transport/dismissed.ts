import assert from "node:assert/strict";
import { FLAG, FRAME } from "../../src/http2/own/frames/frame-types.ts";
import type { UnaryHandler } from "../../src/http2/port.ts";
import { ping, type RawFrame, REQUEST } from "../http2/core/raw.ts";
import { exchange, type Guarantees, manualEnv, serverOptions, type UnaryTransport } from "./rig.ts";
import { Uploader } from "./uploader.ts";

const MIB = 1_048_576;
const NO_ERROR = 0;

const refuse: UnaryHandler = (call) => {
  call.reply({ status: 12, text: "no such method" });
  return undefined;
};
const take: UnaryHandler = () => exchange({});

/** A call that is dismissed, by its request and by what the handler says of it. */
interface Dismissed {
  readonly handler: UnaryHandler;
  readonly request: readonly string[];
}
/** The client waits for a word, or stops when it is told an error of HTTP. */
const WAITING: Readonly<Record<string, Dismissed>> = {
  "100-continue": { handler: refuse, request: [...REQUEST, "expect", "100-continue", "content-length", "1000"] },
  "another content type": {
    handler: refuse,
    request: REQUEST.map((text) => (text === "application/grpc" ? "text/plain" : text)),
  },
  "another method": { handler: refuse, request: REQUEST.map((text) => (text === "POST" ? "PUT" : text)) },
};
/** The client has no reason to stop. */
const GOING_ON: Readonly<Record<string, Dismissed>> = {
  "by its head": { handler: refuse, request: REQUEST },
  "by its timeout": { handler: refuse, request: [...REQUEST, "grpc-timeout", "soon"] },
  "by its first bytes": { handler: take, request: REQUEST },
};

async function whileServed(
  transport: UnaryTransport,
  { handler, request }: Dismissed,
  run: (client: Uploader) => Promise<void>,
): Promise<void> {
  await using server = await transport.listen(serverOptions(handler), manualEnv());
  using client = new Uploader(server.port, request);
  await run(client);
}

function assertReply(came: RawFrame): void {
  assert.equal(came.type, FRAME.HEADERS);
  assert.equal(came.flags & FLAG.END_STREAM, FLAG.END_STREAM);
}

function waiting(): Guarantees {
  const guarantees: Record<string, (transport: UnaryTransport) => Promise<void>> = {};
  for (const [name, call] of Object.entries(WAITING)) {
    guarantees[`who is refused and waits (${name}) is reset when it has read the reply, not before`] = (transport) =>
      whileServed(transport, call, async (client) => {
        assertReply(await client.next());
        const asked = await client.next();
        assert.deepEqual([asked.type, asked.flags], [FRAME.PING, 0]);
        client.send(ping("mine"));
        const mine = await client.next();
        assert.deepEqual([mine.type, mine.flags], [FRAME.PING, FLAG.ACK]);
        client.pong(asked);
        const reset = await client.next();
        assert.deepEqual([reset.type, reset.payload.readUInt32BE(0)], [FRAME.RST_STREAM, NO_ERROR]);
      });
  }
  return guarantees;
}

function goingOn(): Guarantees {
  const guarantees: Record<string, (transport: UnaryTransport) => Promise<void>> = {};
  for (const [name, call] of Object.entries(GOING_ON)) {
    guarantees[`who is refused ${name} may send 16 MiB to their end, and then notices it`] = (transport) =>
      whileServed(transport, call, async (client) => {
        client.upload(16 * MIB);
        assertReply(await client.next());
        const asked = await client.next();
        assert.deepEqual([asked.type, asked.flags, client.sent], [FRAME.PING, 0, 16 * MIB]);
        client.pong(asked);
        client.send(ping("mine"));
        assert.deepEqual((await client.next()).flags, FLAG.ACK);
      });
  }
  guarantees["who is refused and sends on and on is reset"] = (transport) =>
    whileServed(transport, { handler: refuse, request: REQUEST }, async (client) => {
      client.upload(256 * MIB);
      assertReply(await client.next());
      const asked = await client.next();
      assert.equal(asked.type, FRAME.PING);
      client.pong(asked);
      const reset = await client.next();
      assert.deepEqual([reset.type, reset.payload.readUInt32BE(0)], [FRAME.RST_STREAM, NO_ERROR]);
      assert.ok(client.sent < 64 * MIB, `${client.sent} bytes were sent`);
    });
  return guarantees;
}

/** Calls that are answered before their end, and a client that does not stop by itself. */
export const DISMISSED: Guarantees = { ...waiting(), ...goingOn() };
