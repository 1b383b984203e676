import assert from "node:assert/strict";
import { openClientConnection, openServerConnection } from "../../../src/http2/own/connection/connection.ts";
import { type Connection, type ConnectionEvents, DEFAULT_LIMITS } from "../../../src/http2/own/contract.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { dice, peerBytes, REQUESTS, type Roll } from "./fuzz-peer.ts";
import { RESPONSE, TRAILERS } from "./raw.ts";
import type { Role } from "./scene.ts";

const LIMITS = { ...DEFAULT_LIMITS, maxConcurrentStreams: 20, maxOutputBytes: 200_000 };
const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);

/** What is tried with one input. */
export const TRIALS = ["busy", "splits"] as const;
export type Trial = (typeof TRIALS)[number];

/**
 * One input, made from its seed. Throws with the seed in its message when a connection does what it
 * must not.
 */
export function tryInput(seed: number, role: Role, trial: Trial): void {
  try {
    if (trial === "busy") withBusyOwner(seed, role);
    else inAnySplit(seed, role);
  } catch (cause) {
    throw new Error(`FUZZ_SEED=${seed} finds it again: ${role}, ${trial}`, { cause });
  }
}

/** An owner that does this and that, and finds out when it is told what cannot be. */
class Owner implements ConnectionEvents {
  readonly #roll: Roll;
  readonly #open = new Set<number>();
  connection: Connection | undefined;
  failures = 0;

  constructor(roll: Roll) {
    this.#roll = roll;
  }

  headers(stream: number, _headers: readonly string[], end: boolean): void {
    assert.equal(this.failures, 0, "told after the end");
    this.#open.add(stream);
    this.#act(stream, end);
  }
  data(stream: number, bytes: Uint8Array, end: boolean): void {
    assert.equal(this.failures, 0, "told after the end");
    assert.ok(this.#open.has(stream), "bytes without a head, or after a reset");
    if (this.#roll(3) > 0) this.connection?.credit(stream, bytes.length);
    this.#act(stream, end);
  }
  reset(stream: number): void {
    this.#open.delete(stream);
  }
  flushed(): void {}
  goaway(): void {}
  settings(): void {}
  pong(): void {}
  failed(): void {
    this.failures++;
  }

  /** A command, sensible or not. */
  #act(stream: number, end: boolean): void {
    const connection = this.connection!;
    switch (this.#roll(end ? 5 : 12)) {
      case 0:
        connection.sendReply(stream, HEAD, Buffer.alloc(this.#roll(100)), TAIL);
        return;
      case 1:
        connection.sendHeaders(stream, HEAD, false);
        connection.sendData(stream, [Buffer.alloc(this.#roll(5_000)), Buffer.alloc(2)], this.#roll(2) === 0);
        connection.sendHeaders(stream, TAIL, true);
        return;
      case 2:
        connection.resetStream(stream, this.#roll(3));
        this.#open.delete(stream);
        return;
      case 3:
        if (this.#roll(30) === 0) connection.goaway(this.#roll(2), "fuzz");
        return;
      default:
    }
  }
}

/**
 * Whatever comes and whatever the owner does: it ends in a failure or a wait, and what is sent is
 * bounded.
 */
function withBusyOwner(seed: number, role: Role): void {
  const roll = dice(seed);
  const owner = new Owner(roll);
  const connection = (role === "server" ? openServerConnection : openClientConnection)(LIMITS, owner, 0);
  owner.connection = connection;
  const bytes = peerBytes(roll, role);
  let sent = 0;
  let queued = 0;
  while (queued < (role === "client" ? REQUESTS : 0)) queued += connection.open(HEAD, roll(2) === 0) === 0 ? 0 : 1;
  for (let at = 0; at < bytes.length; ) {
    const to = Math.min(bytes.length, at + 1 + roll(roll(3) === 0 ? 5 : 3_000));
    if (role === "client" && roll(2) === 0 && connection.mayOpen)
      queued += connection.open(HEAD, roll(2) === 0) === 0 ? 0 : 1;
    connection.receive(bytes.subarray(at, to), at);
    if (roll(10) === 0) connection.tick(at);
    for (const piece of roll(3) === 0 ? connection.takeOutput(1 + roll(1_000)) : []) sent += piece.length;
    at = to;
    assert.ok(connection.openStreams <= LIMITS.maxConcurrentStreams || role === "client");
    assert.equal(connection.done && owner.failures > 0 && connection.openStreams > 0, false, "streams after the end");
  }
  for (let i = 0; connection.hasOutput; i++) {
    assert.ok(i < 100_000, "output without end");
    const pieces = connection.takeOutput(50_000);
    assert.ok(pieces.length > 0);
    for (const piece of pieces) sent += piece.length;
  }
  // Answers and replies: the largest is 5 KB for a request of 10 bytes, once for each stream.
  assert.ok(sent <= bytes.length * 6 + queued * 100 + 200_000, `${sent} bytes for ${bytes.length}`);
  connection.tick(20_000);
  assert.ok(owner.failures <= 1, "failed once");
}

/** What is told does not depend on how the bytes are split. */
function inAnySplit(seed: number, role: Role): void {
  const roll = dice(seed);
  const bytes = peerBytes(roll, role);
  const whole = tell(role, bytes, () => bytes.length);
  // A hundred pieces or two, among them runs of single bytes.
  const most = 1 + Math.floor(bytes.length / 40);
  const split = tell(role, bytes, () => 1 + roll(roll(3) === 0 ? most : 4));
  if (split.length !== whole.length || split.some((line, i) => line !== whole[i])) assert.deepEqual(split, whole);
}

/** All that an owner who does nothing is told, DATA in one line however it came. */
function tell(role: Role, bytes: Buffer, size: () => number): string[] {
  const told: string[] = [];
  let body = "";
  let bodyBytes = 0;
  const line = (text: string): void => {
    if (body !== "") told.push(`${body} ${bodyBytes}`);
    body = "";
    bodyBytes = 0;
    told.push(text);
  };
  const events: ConnectionEvents = {
    headers: (stream, headers, end) => line(`headers ${stream} ${headers.join("|")} ${end}`),
    data(stream, piece, end) {
      if (body !== `data ${stream}`) line("");
      body = `data ${stream}`;
      bodyBytes += piece.length;
      if (end) line(`end ${stream}`);
    },
    reset: (stream, code, byPeer) => line(`reset ${stream} ${code} ${byPeer}`),
    flushed: () => undefined,
    goaway: (last, code, debug) => line(`goaway ${last} ${code} ${debug}`),
    settings: (streams) => line(`settings ${streams}`),
    pong: (payload) => line(`pong ${payload}`),
    failed: (code, reason) => line(`failed ${code} ${reason}`),
  };
  const connection = (role === "server" ? openServerConnection : openClientConnection)(LIMITS, events, 0);
  for (let i = role === "client" ? REQUESTS : 0; i > 0; i--) connection.open(HEAD, i % 2 === 0);
  for (let at = 0; at < bytes.length; ) {
    const to = Math.min(bytes.length, at + size());
    connection.receive(bytes.subarray(at, to), 0);
    at = to;
  }
  line("over");
  return told;
}
