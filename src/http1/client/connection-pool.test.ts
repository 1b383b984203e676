import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { TakeBytes } from "../../core/sockets/read-socket.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { ClientExchange, ExchangeFailure, ReplyFault, ReplyHead } from "./contract.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const HEAD = Buffer.from("POST / HTTP/1.1\r\n\r\n");

/** A connection of which the test is the peer, and the system. */
class Peer {
  readonly socket: Duplex;
  readonly #take: TakeBytes;
  readonly #done: (opened: Duplex | Error) => void;
  isCancelled = false;
  said = "";
  /** Writes come to their end only when the test says so. */
  isSlow = false;
  #unwritten: (() => void)[] = [];

  constructor(take: TakeBytes, done: (opened: Duplex | Error) => void) {
    this.#take = take;
    this.#done = done;
    this.socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, written) => {
        this.said += chunk.toString("latin1");
        this.#unwritten.push(written);
        if (!this.isSlow) this.write();
      },
    });
  }

  open(): void {
    this.#done(this.socket.resume());
  }

  fail(text: string): void {
    this.#done(new Error(text));
  }

  answer(bytes = OK): void {
    this.#take(Buffer.from(bytes, "latin1"));
  }

  write(): void {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    for (const written of unwritten) written();
  }
}

class Exchange implements ClientExchange {
  readonly request: ClientExchange["request"];
  readonly told: string[] = [];
  uses = 0;

  constructor(pieces: readonly Uint8Array[] = []) {
    const owner = { retain: () => void this.uses++, release: () => void this.uses-- };
    this.request = { head: HEAD, pieces, owner };
  }

  began(): void {
    this.told.push("began");
  }

  head({ status }: ReplyHead): void {
    this.told.push(String(status));
  }

  data(): void {}

  end(): void {
    this.told.push("end");
  }

  failed({ reason, text }: ExchangeFailure): void {
    this.told.push(`${reason}: ${text}`);
  }
}

const ANSWERED = ["began", "200", "end"];

class PoolRig {
  readonly clock = new ManualClock();
  readonly peers: Peer[] = [];
  readonly faults: ReplyFault[] = [];
  readonly pool: ConnectionPool;

  constructor(keptMs = 4_000) {
    this.pool = new ConnectionPool({
      clock: this.clock,
      keptMs,
      onFault: (fault) => void this.faults.push(fault),
      connect: (take, done) => {
        const peer = new Peer(take, done);
        this.peers.push(peer);
        return () => void (peer.isCancelled = true);
      },
    });
  }

  send(exchange = new Exchange()): { readonly exchange: Exchange; readonly abandon: () => void } {
    return { exchange, abandon: this.pool.send(exchange) };
  }

  /** One that has had an answer, and is idle. */
  async kept(): Promise<Peer> {
    this.send();
    const peer = this.peers.at(-1)!;
    peer.open();
    await answer(peer);
    return peer;
  }
}

/** Once the system has the request. */
async function answer(peer: Peer, bytes = OK): Promise<void> {
  await turn();
  peer.answer(bytes);
}

test("no request waits for another, and connections are kept: the one used last is used next", async () => {
  const rig = new PoolRig();
  const [one, two] = [rig.send().exchange, rig.send().exchange];
  const [a, b] = rig.peers as [Peer, Peer];
  assert.deepEqual(one.told, []);
  for (const peer of [a, b]) peer.open();
  await answer(a);
  await answer(b);
  assert.deepEqual([one.told, two.told], [ANSWERED, ANSWERED]);
  const three = rig.send(new Exchange([Buffer.from("body")])).exchange;
  assert.equal(b.said, `${String(HEAD)}${String(HEAD)}body`);
  await answer(b);
  assert.deepEqual([three.told, rig.peers.length], [ANSWERED, 2]);
});

test("who gives up while it connects leaves the connection to the next, who gives up later ends it", async () => {
  const rig = new PoolRig();
  const first = rig.send();
  first.abandon();
  const second = rig.send();
  const [peer] = rig.peers as [Peer];
  peer.open();
  first.abandon();
  assert.deepEqual([first.exchange.told, second.exchange.told, rig.peers.length], [[], ["began"], 1]);
  second.abandon();
  await turn();
  assert.ok(peer.socket.destroyed);
  peer.answer();
  assert.deepEqual(second.exchange.told, ["began"]);
  rig.send().abandon();
  rig.peers[1]!.open(); // nobody waits: it is kept
  rig.send();
  assert.equal(rig.peers.length, 2);
});

const HINTS = [
  { name: "4 s where the peer says nothing", hint: "", keptMs: 4_000 },
  { name: "2 s less than the peer says", hint: "Keep-Alive: timeout=5, max=100\r\n", keptMs: 3_000 },
  { name: "not at all where it says 2 s", hint: "Keep-Alive: timeout=2\r\n", keptMs: 0 },
  { name: "not at all where it says so", hint: "Connection: close\r\n", keptMs: 0 },
  { name: "10 min at most", hint: "Keep-Alive: timeout=99999\r\n", keptMs: 600_000 },
];
for (const { name, hint, keptMs } of HINTS) {
  test(`an idle connection is kept ${name}`, async () => {
    const rig = new PoolRig();
    const peer = await rig.kept();
    rig.clock.advance(3_000); // a timer is set already
    rig.send();
    assert.equal(rig.peers.length, 1);
    await answer(peer, OK.replace("\r\n\r\n", `\r\n${hint}\r\n`));
    if (keptMs > 0) {
      rig.clock.advance(keptMs - 1);
      assert.ok(!peer.socket.destroyed);
      rig.clock.advance(1);
    }
    assert.ok(peer.socket.destroyed);
    await turn();
    assert.equal(rig.clock.pending, 0);
  });
}

test("a client that keeps none ends each with its reply, whatever the peer says", () => {
  const rig = new PoolRig(0);
  rig.send();
  rig.peers[0]!.open();
  rig.peers[0]!.answer(OK.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=5\r\n\r\n"));
  assert.ok(rig.peers[0]!.socket.destroyed);
});

test("a hint holds for the reply that it came with", async () => {
  const rig = new PoolRig();
  const peer = await rig.kept();
  for (const hint of ["Keep-Alive: timeout=999\r\n", ""]) {
    rig.send();
    await answer(peer, OK.replace("\r\n\r\n", `\r\n${hint}\r\n`));
  }
  rig.clock.advance(4_000);
  assert.ok(peer.socket.destroyed);
});

test("a kept connection that ends without a byte is stale, and takes those that were there with it", async () => {
  const rig = new PoolRig();
  const busy = rig.send().exchange;
  for (let i = 0; i < 2; i++) rig.send();
  const [a, b, c] = rig.peers as [Peer, Peer, Peer];
  for (const peer of rig.peers) peer.open();
  for (const peer of [b, c]) await answer(peer);
  const late = rig.send().exchange;
  const young = rig.send().exchange;
  const younger = rig.send().exchange;
  assert.equal(rig.peers.length, 4);
  c.socket.push(null);
  await turn();
  assert.match(late.told.join(" "), /^began stale: /u);
  await answer(b);
  await answer(a);
  rig.peers[3]!.open();
  await answer(rig.peers[3]!);
  assert.deepEqual([busy.told, young.told, younger.told], [ANSWERED, ANSWERED, ANSWERED]);
  assert.deepEqual(
    rig.peers.map(({ socket }) => socket.destroyed),
    [true, true, true, false],
    "those with a request go with it; one that was still connecting is new",
  );
});

test("idle ones go with a stale one at once", async () => {
  const rig = new PoolRig();
  for (let i = 0; i < 2; i++) rig.send();
  for (const peer of rig.peers) peer.open();
  for (const peer of rig.peers) await answer(peer);
  rig.send();
  rig.peers[1]!.socket.destroy();
  await turn();
  assert.ok(rig.peers[0]!.socket.destroyed);
});

test("after a stale one, connections rest until what came behind their reply has been read, for a minute", async () => {
  const rig = new PoolRig();
  const first = await rig.kept();
  rig.send();
  first.socket.push(null);
  await turn();
  const second = await rig.kept();
  rig.send();
  assert.equal(rig.peers.length, 3, "the end of the second might be on its way");
  for (let i = 0; i < 2; i++) await turn();
  rig.send();
  assert.equal(rig.peers.length, 3);
  second.answer();
  second.socket.push(null); // it closes behind its answer, as the first did
  for (let i = 0; i < 4; i++) await turn();
  assert.equal(rig.send().exchange.told.length, 0, "there is none that it could be sent on at once");
  rig.clock.advance(60_000);
  await rig.kept();
  const known = rig.peers.length;
  rig.send();
  assert.equal(rig.peers.length, known);
});

test("what ends a connection is told as what it is: no connection, reset, or a reply that breaks the rules", async () => {
  const rig = new PoolRig();
  const refused = rig.send().exchange;
  rig.peers[0]!.fail("refused");
  const fresh = rig.send().exchange;
  rig.peers[1]!.open();
  rig.peers[1]!.socket.push(null);
  const half = await rig.kept();
  const broken = rig.send().exchange;
  half.answer("HTTP/1.1 2");
  half.socket.destroy(new Error("reset by peer"));
  await turn();
  assert.deepEqual(refused.told, ["connect: refused"]);
  assert.deepEqual(fresh.told, ["began", "reset: the peer closed the connection"]);
  assert.deepEqual(broken.told, ["began", "reset: reset by peer"]);
  const odd = await rig.kept();
  const wrong = rig.send().exchange;
  odd.answer("SSH-2.0\r\n");
  assert.match(wrong.told.join(" "), /^began reset: the reply breaks the rules/u);
  assert.deepEqual(rig.faults, ["bad_status_line"]);
});

test("what comes unasked ends the connection, and is nobody's answer", async () => {
  const rig = new PoolRig();
  const peer = await rig.kept();
  peer.answer();
  assert.ok(peer.socket.destroyed);
  assert.deepEqual(rig.faults, ["unasked"]);
  const next = rig.send().exchange;
  assert.deepEqual([next.told, rig.peers.length], [[], 2]);
  rig.peers[1]!.open();
  rig.peers[1]!.answer(`${OK}${OK}`);
  assert.deepEqual(next.told, ANSWERED);
  assert.ok(rig.peers[1]!.socket.destroyed);
});

test("an answer before the request is written is one; what is not written is held, and nothing is sent meanwhile", () => {
  const rig = new PoolRig();
  const early = rig.send(new Exchange([Buffer.alloc(100_000)])).exchange;
  const [peer] = rig.peers as [Peer];
  peer.isSlow = true;
  peer.open();
  peer.answer();
  assert.deepEqual([early.told, early.uses], [ANSWERED, 1]);
  rig.send();
  assert.equal(rig.peers.length, 2);
  while (early.uses > 0) peer.write();
  assert.equal(early.uses, 0);
  peer.isSlow = false;
  rig.send();
  assert.equal(rig.peers.length, 2);
});

test("who answers and does not read the request is not waited for longer than an idle connection is kept", async () => {
  const rig = new PoolRig();
  const early = rig.send(new Exchange([Buffer.alloc(100_000)])).exchange;
  const [peer] = rig.peers as [Peer];
  peer.isSlow = true;
  peer.open();
  peer.answer();
  rig.clock.advance(3_999);
  assert.deepEqual([early.uses, peer.socket.destroyed], [1, false]);
  rig.clock.advance(1);
  assert.ok(peer.socket.destroyed);
  await turn();
  assert.deepEqual([early.uses, rig.clock.pending], [0, 0]);
});

test("what is given up is held until its connection has closed", async () => {
  const rig = new PoolRig();
  const { exchange, abandon } = rig.send(new Exchange([Buffer.alloc(100_000)]));
  rig.peers[0]!.isSlow = true;
  rig.peers[0]!.open();
  abandon();
  assert.equal(exchange.uses, 1);
  await turn();
  assert.equal(exchange.uses, 0);
});

test("closing ends all: who waits, who connects and who is idle", async () => {
  const rig = new PoolRig();
  const idle = await rig.kept();
  const busy = rig.send().exchange;
  const connecting = rig.send().exchange;
  await rig.pool.close();
  const after = rig.send().exchange;
  await turn();
  const CLOSED = "closed: the client is closed";
  assert.deepEqual([busy.told, connecting.told, after.told], [["began", CLOSED], [CLOSED], [CLOSED]]);
  assert.ok(idle.socket.destroyed);
  assert.ok(rig.peers[1]!.isCancelled);
  assert.equal(rig.clock.pending, 0);
});

test("what has come before anything was asked, as behind a proxy's answer, is nobody's: nothing is sent", () => {
  const rig = new PoolRig();
  const { exchange } = rig.send();
  const [peer] = rig.peers as [Peer];
  peer.socket.push(OK);
  peer.open();
  assert.match(exchange.told.join(), /^reset: .* nobody asked for$/u);
  assert.deepEqual([rig.faults, peer.said, peer.socket.destroyed], [["unasked"], "", true]);
});
