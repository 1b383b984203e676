import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import * as fc from "fast-check";
import { createAuthority } from "../../../test/support/certs.ts";
import type { Flushable } from "../turn-end.ts";
import { readAccepted } from "./read-socket.ts";
import { JoinBuffers, RecordJoiner } from "./record-joiner.ts";

const FULL = 16_384;

/** Connections of one process that share a landing, as Node would read them. */
class Reading {
  readonly landing = new Uint8Array(FULL);
  readonly buffers: JoinBuffers;
  #due: Flushable[] = [];

  constructor(most: number) {
    this.buffers = new JoinBuffers(most);
  }

  open(): OneConnection {
    const pieces: Buffer[] = [];
    const take = (bytes: Uint8Array): void => void pieces.push(Buffer.from(bytes));
    const turn = { read: (flushable: Flushable) => void this.#due.push(flushable) };
    const joiner = new RecordJoiner({ take, turn, landing: this.landing, buffers: this.buffers });
    return new OneConnection(joiner, pieces, this.landing);
  }

  endTurn(): void {
    const due = this.#due;
    this.#due = [];
    for (const flushable of due) flushable.flush();
  }
}

class OneConnection {
  readonly joiner: RecordJoiner;
  readonly pieces: readonly Buffer[];
  readonly #sent: Buffer[] = [];
  /** As native code has it: it is told after each record, and never in between. */
  #place: Uint8Array;
  #next = 0;

  constructor(joiner: RecordJoiner, pieces: readonly Buffer[], landing: Uint8Array) {
    this.joiner = joiner;
    this.pieces = pieces;
    this.#place = landing;
  }

  /** A record of so many bytes, unlike those before it. */
  record(bytes: number, mark = 0): void {
    const record = Buffer.alloc(bytes, `${mark}.${this.#next++} `);
    this.#sent.push(record);
    this.#place.set(record);
    this.joiner.read(bytes);
    this.#place = this.joiner.moved() ?? this.#place;
  }

  get lengths(): number[] {
    return this.pieces.map(({ length }) => length);
  }

  /** All records were handed on, whole and in order. */
  get isWhole(): boolean {
    return Buffer.concat(this.#sent).equals(Buffer.concat(this.pieces));
  }
}

test("records that come together are handed on together: with the first that is not full, or at the end of the turn", () => {
  const reading = new Reading(1);
  const connection = reading.open();
  for (const bytes of [FULL, FULL, FULL, FULL, 100, 7, FULL, 8]) connection.record(bytes);
  assert.deepEqual(connection.lengths, [FULL, FULL, 2 * FULL + 100, 7, FULL, 8]);
  for (const bytes of [FULL, FULL, FULL]) connection.record(bytes);
  assert.deepEqual(connection.lengths.slice(6), [FULL, FULL]);
  reading.endTurn();
  connection.record(FULL);
  connection.record(5);
  assert.deepEqual(connection.lengths.slice(8), [FULL, FULL + 5]);
  assert.ok(connection.isWhole);
});

test("a long body is handed on in pieces of eight records", () => {
  const connection = new Reading(1).open();
  for (let i = 0; i < 20; i++) connection.record(FULL);
  connection.record(1);
  assert.deepEqual(connection.lengths, [FULL, FULL, 8 * FULL, 8 * FULL, 2 * FULL + 1]);
  assert.ok(connection.isWhole);
});

test("where all buffers are in use each record is handed on by itself, until one is given back", () => {
  const reading = new Reading(1);
  const [first, second] = [reading.open(), reading.open()];
  for (const bytes of [FULL, FULL]) first.record(bytes);
  for (const bytes of [FULL, FULL, FULL]) second.record(bytes);
  assert.deepEqual(second.lengths, [FULL, FULL, FULL]);
  first.joiner.close();
  for (const bytes of [FULL, FULL, 9]) second.record(bytes);
  assert.deepEqual(second.lengths, [FULL, FULL, FULL, FULL, FULL + 9]);
});

test("whatever comes to however many connections, in which turns: each is handed its bytes, whole and in order", () => {
  const size = fc.oneof({ weight: 3, arbitrary: fc.constant(FULL) }, fc.integer({ min: 1, max: FULL }));
  const step = fc.record({ who: fc.integer({ min: 0, max: 4 }), size, ends: fc.integer({ min: 0, max: 9 }) });
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), steps, (most, all) => {
      const reading = new Reading(most);
      const connections = Array.from({ length: 5 }, () => reading.open());
      const over: OneConnection[] = [];
      for (const { who, size: bytes, ends } of all) {
        connections[who]!.record(bytes, who);
        if (ends < 2) reading.endTurn();
        if (ends !== 2) continue;
        connections[who]!.joiner.passOn();
        connections[who]!.joiner.close();
        over.push(...connections.splice(who, 1, reading.open()));
      }
      for (const { joiner } of connections) joiner.passOn();
      return [...over, ...connections].every(({ isWhole }) => isWhole);
    }),
    { numRuns: 200 },
  );
});

/** Words that count up from one, so that none is like another. */
function counting(bytes: number, first: number): Buffer {
  const body = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) body.writeUInt32BE(first + at, at);
  return body;
}

test("over TLS bodies come in pieces longer than a record, each on its connection, and all of it before the end", async () => {
  const authority = await createAuthority();
  await using open = new AsyncDisposableStack();
  const server = createServer(await authority.server(["localhost"]));
  open.defer(async () => void (await once(server.close(), "close")));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  // The last record of each is full, and nothing tells that it is the last.
  const bodies = [64, 40, 24, 9].map((records, i) => counting(records * FULL, i * 0x1000_0000));
  const ends: Promise<readonly Buffer[]>[] = [];
  const clients: TLSSocket[] = [];
  while (clients.length < bodies.length) {
    const client = connect({ host: "127.0.0.1", port, servername: "localhost", ca: authority.ca });
    const [accepted] = (await once(server, "secureConnection")) as [TLSSocket];
    const pieces: Buffer[] = [];
    const socket = readAccepted(accepted, (bytes) => void pieces.push(Buffer.from(bytes)));
    ends.push(once(socket, "end").then(() => pieces.slice()));
    clients.push(client);
    open.defer(() => void client.destroy());
    open.defer(() => void socket.destroy());
  }
  for (const [i, client] of clients.entries()) client.end(bodies[i]!);
  const came = await Promise.all(ends);
  for (const [i, pieces] of came.entries()) assert.ok(Buffer.concat(pieces).equals(bodies[i]!));
  assert.ok(Math.max(...came.flat().map(({ length }) => length)) > FULL);
});
