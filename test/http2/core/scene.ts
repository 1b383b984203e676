import assert from "node:assert/strict";
import { openClientConnection, openServerConnection } from "../../../src/http2/own/connection/connection.ts";
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionLimits,
  DEFAULT_LIMITS,
} from "../../../src/http2/own/contract.ts";
import { FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { PREFACE, type RawFrame, readFrames, REQUEST, SETTINGS_ACK, settings } from "./raw.ts";

export type Role = "server" | "client";
/** An event as a line: its name and arguments; bytes as their number. */
export type Told = readonly (string | number | boolean)[];

/** Writes down what a connection tells. */
export function recorder(told: Told[]): ConnectionEvents {
  return {
    headers: (stream, headers, end) => told.push(["headers", stream, headers.join("|"), end]),
    data: (stream, bytes, end) => told.push(["data", stream, bytes.length, end]),
    reset: (stream, code, byPeer) => told.push(["reset", stream, code, byPeer]),
    flushed: (stream) => told.push(["flushed", stream]),
    goaway: (last, code, debug) => told.push(["goaway", last, code, debug]),
    settings: (max) => told.push(["settings", max]),
    pong: (payload) => told.push(["pong", payload]),
    failed: (code, reason) => told.push(["failed", code, reason]),
  };
}

export interface SceneOptions {
  readonly limits?: Partial<ConnectionLimits>;
  /** Parameters and values of the peer's SETTINGS. */
  readonly settings?: readonly number[];
  /** The peer says nothing yet. */
  readonly silent?: boolean;
  /** Called before the event is written down. */
  readonly events?: (connection: Connection) => Partial<ConnectionEvents>;
}

/** A connection of ours, and its peer by hand. */
export class Scene {
  readonly connection: Connection;
  readonly told: Told[] = [];
  nowMs = 1_000;

  constructor(role: Role, options: SceneOptions = {}) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const recording = recorder(this.told);
    let own: Partial<ConnectionEvents> = {};
    const events: ConnectionEvents = {
      headers: (...args) => (own.headers?.(...args), recording.headers(...args)),
      data: (...args) => (own.data?.(...args), recording.data(...args)),
      reset: (...args) => (own.reset?.(...args), recording.reset(...args)),
      flushed: (...args) => (own.flushed?.(...args), recording.flushed(...args)),
      goaway: (...args) => (own.goaway?.(...args), recording.goaway(...args)),
      settings: (...args) => (own.settings?.(...args), recording.settings(...args)),
      pong: (...args) => (own.pong?.(...args), recording.pong(...args)),
      failed: (...args) => (own.failed?.(...args), recording.failed(...args)),
    };
    const open = role === "server" ? openServerConnection : openClientConnection;
    this.connection = open(limits, events, this.nowMs);
    own = options.events?.(this.connection) ?? {};
    if (options.silent === true) return;
    if (role === "server") this.send(PREFACE);
    this.send(settings(...(options.settings ?? [])), SETTINGS_ACK);
    this.take();
    this.told.length = 0;
  }

  /** The peer sends, in one piece. */
  send(...bytes: readonly Uint8Array[]): this {
    this.connection.receive(Buffer.concat(bytes), this.nowMs);
    return this;
  }

  /** The peer sends byte by byte. */
  sendSplit(...bytes: readonly Uint8Array[]): this {
    for (const byte of Buffer.concat(bytes)) this.connection.receive(Uint8Array.of(byte), this.nowMs);
    return this;
  }

  /** The bytes that wait to be sent. */
  takeBytes(): Buffer {
    const pieces: Uint8Array[] = [];
    while (this.connection.hasOutput) pieces.push(...this.connection.takeOutput(65_536));
    return Buffer.concat(pieces);
  }

  /** The frames that wait to be sent. */
  take(): RawFrame[] {
    const bytes = this.takeBytes();
    return readFrames(bytes.subarray(0, PREFACE.length).equals(PREFACE) ? bytes.subarray(PREFACE.length) : bytes);
  }

  takeOf(type: number): RawFrame[] {
    return this.take().filter((frame) => frame.type === type);
  }

  /** Client: opens a request with a body to come. */
  request(endStream = false): number {
    return this.connection.open(encodeHeaders(REQUEST), endStream);
  }

  /** Events of one name. */
  toldOf(name: string): Told[] {
    return this.told.filter(([event]) => event === name);
  }
}

/** The connection ended with this code, said so to the peer, and told its owner once. */
export function assertFailed(scene: Scene, code: number, fault: string): void {
  assert.deepEqual(scene.toldOf("failed"), [["failed", code, fault]]);
  const last = scene.takeOf(FRAME.GOAWAY).at(-1);
  assert.equal(last?.payload.readUInt32BE(4), code, "the code of GOAWAY");
  assert.equal(scene.connection.done, true);
  assert.equal(scene.connection.openStreams, 0);
}

/** The connection lives: it answers. */
export function assertAlive(scene: Scene): void {
  assert.deepEqual(scene.toldOf("failed"), []);
  assert.equal(scene.connection.done, false);
}
