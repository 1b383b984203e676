import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { type Choice, CleverEncoder } from "./clever-encoder.ts";
import {
  data,
  frame,
  goaway,
  ping,
  PREFACE,
  REQUEST,
  RESPONSE,
  rst,
  SETTINGS_ACK,
  settings,
  TRAILERS,
  windowUpdate,
} from "./raw.ts";
import type { Role } from "./scene.ts";

/** A number below n. */
export type Roll = (n: number) => number;

/** What a client of ours has asked before its peer says anything. */
export const REQUESTS = 15;

/** Numbers that are the same for the same seed (mulberry32). */
export function dice(seed: number): Roll {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % n;
  };
}

const FIRST_SETTINGS = settings();

/** Bytes of a whole peer of a connection with this role, some of them damaged. */
export function peerBytes(roll: Roll, role: Role): Buffer {
  const parts: Buffer[] = role === "client" ? [] : [roll(20) === 0 ? randomBytes(roll, 24) : PREFACE];
  parts.push(FIRST_SETTINGS, SETTINGS_ACK);
  const peer = new Peer(roll, role);
  for (let i = roll(100); i >= 0; i--) {
    const one = peer.frame();
    const times = roll(1_000) === 0 ? roll(1_500) : 1;
    for (let k = 0; k < times; k++) parts.push(one);
  }
  const bytes = Buffer.concat(parts);
  for (let i = roll(4) === 0 ? roll(10) : 0; i > 0; i--) bytes[roll(bytes.length)] = roll(256);
  return bytes;
}

const CHOICES: readonly Choice[] = ["indexed", "indexing", "named", "literal", "never", "shrink", "grow"];
/** Fields that a message may have once more; some of them make it malformed. */
const FIELDS: readonly (readonly [string, string])[] = [
  ["a", "b"],
  ["a", "c".repeat(200)],
  ["long", "d".repeat(3_000)],
  ["content-length", "20"],
  ["content-length", "0"],
  ["grpc-timeout", "1S"],
  ["connection", "close"],
  [":path", "/twice"],
  ["Upper", "case"],
  ["te", "gzip"],
];

/**
 * What a peer could send; most of it makes sense, so that a connection gets far before it fails.
 */
class Peer {
  readonly #roll: Roll;
  readonly #role: Role;
  readonly #encoder = new CleverEncoder();
  /** Streams that it may still send on, as far as it thinks. */
  readonly #live: number[];
  #next = 1;

  constructor(roll: Roll, role: Role) {
    this.#roll = roll;
    this.#role = role;
    this.#live = role === "server" ? [] : Array.from({ length: REQUESTS }, (_, i) => i * 2 + 1);
  }

  frame(): Buffer {
    const roll = this.#roll;
    if (roll(40) === 0) return this.#nonsense();
    const at = roll(Math.max(1, this.#live.length));
    const stream = this.#live[at];
    const ends = roll(4) === 0;
    switch (roll(10)) {
      case 0:
      case 1:
      case 2:
        return this.#headers(at, ends);
      case 3:
      case 4:
      case 5:
        if (stream === undefined) return ping("idle");
        if (ends) this.#live.splice(at, 1);
        return this.#data(stream, ends ? 1 : 0);
      case 6:
        if (stream === undefined || roll(3) > 0) return settings();
        this.#live.splice(at, 1);
        return rst(stream, roll(20));
      case 7:
        return windowUpdate(
          stream === undefined || roll(3) === 0 ? 0 : stream,
          1 + roll(roll(50) === 0 ? 2 ** 31 : 100_000),
        );
      case 8:
        return settings([1, 3, 4, 5, 6, 9][roll(6)]!, roll(20) === 0 ? roll(2 ** 31) : 16_384 + roll(100_000));
      default:
        return roll(20) === 0 ? goaway(roll(40), roll(3)) : ping("fuzz", roll(2));
    }
  }

  #data(stream: number, flags: number): Buffer {
    const roll = this.#roll;
    const bytes = roll(roll(40) === 0 ? 70_000 : 50);
    if (roll(8) > 0) return data(stream, bytes, flags);
    const pad = roll(256);
    return data(stream, Buffer.concat([Uint8Array.of(pad), Buffer.alloc(bytes), Buffer.alloc(pad)]), flags | 8);
  }

  /**
   * A client opens streams, a server answers them; in one frame or two, padded or not, and with the
   * table in use.
   */
  #headers(at: number, ends: boolean): Buffer {
    const roll = this.#roll;
    const opens = this.#role === "server" && roll(5) > 0;
    const id = opens ? this.#next : (this.#live[at] ?? this.#next);
    if (id === this.#next) this.#next += 2;
    if (opens && !ends) this.#live.push(id);
    if (!opens && ends) this.#live.splice(at, 1);
    const list = !opens && ends ? TRAILERS : this.#role === "server" ? REQUEST : RESPONSE;
    const block = this.#block(list);
    const cut = roll(block.length);
    const end = ends ? 1 : 0;
    if (roll(3) > 0) return frame(1, end | 4, id, block);
    if (roll(3) > 0)
      return Buffer.concat([frame(1, end, id, block.subarray(0, cut)), frame(9, 4, id, block.subarray(cut))]);
    const pad = roll(30);
    return frame(1, end | 4 | 0x28, id, Buffer.concat([Uint8Array.of(pad, 0, 0, 0, 0, 9), block, Buffer.alloc(pad)]));
  }

  #block(list: readonly string[]): Buffer {
    const roll = this.#roll;
    const whole = roll(3) === 0 ? withMore(list, roll(FIELDS.length)) : list;
    if (roll(4) > 0) return encoded(whole);
    return this.#encoder.encode(
      whole,
      Array.from({ length: 1 + roll(4) }, () => CHOICES[roll(CHOICES.length)]!),
    );
  }

  #nonsense(): Buffer {
    const roll = this.#roll;
    const stream = roll(20);
    switch (roll(5)) {
      case 0:
        return frame(roll(12), roll(256), stream, randomBytes(roll, roll(40)));
      case 1:
        return frame(1, roll(4) * 4, stream, randomBytes(roll, roll(30)));
      case 2:
        return frame(9, roll(2) * 4, stream, randomBytes(roll, roll(10)));
      case 3:
        return frame(20 + roll(200), roll(256), stream, randomBytes(roll, roll(400)));
      default:
        return randomBytes(roll, roll(30));
    }
  }
}

const extended = new Map<readonly string[], (readonly string[])[]>();

/** The list with one more field; the same list each time. */
function withMore(list: readonly string[], field: number): readonly string[] {
  let lists = extended.get(list);
  if (lists === undefined) {
    lists = FIELDS.map((more) => [...list, ...more]);
    extended.set(list, lists);
  }
  return lists[field]!;
}

const blocks = new Map<readonly string[], Buffer>();

function encoded(list: readonly string[]): Buffer {
  let block = blocks.get(list);
  if (block === undefined) {
    block = Buffer.from(encodeHeaders(list));
    blocks.set(list, block);
  }
  return block;
}

function randomBytes(roll: Roll, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => roll(256)));
}
