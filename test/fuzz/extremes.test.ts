import assert from "node:assert/strict";
import { test } from "node:test";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { FuzzScene } from "./scene.ts";

const LEN = 2;
const GROUP = 3;
const GROUP_END = 4;

/** Around the limit of the common decoders, which is 100 messages, and far beyond it. */
const DEPTHS = [1, 20, 45, 46, 47, 48, 49, 50, 51, 90, 95, 96, 97, 98, 99, 100, 101, 102, 1_000, 10_000];

const cases: readonly { readonly name: string; readonly values: readonly Buffer[] }[] = [
  { name: "arrays within arrays", values: DEPTHS.map((depth) => nest(depth, [5, 1])) },
  { name: "lists of key-values within each other", values: DEPTHS.map((depth) => nest(depth, [6, 1, 2])) },
  { name: "groups within groups", values: DEPTHS.map((depth) => groups(depth)) },
  { name: "groups below arrays", values: DEPTHS.map((depth) => nest(47, [5, 1], groups(depth))) },
  { name: "groups without an end", values: [Buffer.alloc(10_000, 0x0b), Buffer.from("0b0b0c", "hex")] },
  { name: "ends of groups that never began", values: [Buffer.alloc(10_000, 0x0c), Buffer.from("0b14", "hex")] },
  { name: "varints of ten bytes and more", values: [9, 10, 11, 5_000].map((count) => ones(count)) },
  {
    name: "lengths that lead nowhere",
    values: lengths().map((length) => Buffer.concat([Buffer.from([0x0a]), length])),
  },
];

for (const ack of ["delivered", "queued"] as const) {
  for (const { name, values } of cases) {
    test(`fuzz, ack ${ack}: ${name}, in every place that takes a value, are checked as a full decode checks them`, async () => {
      await using scene = await FuzzScene.open({ ack });
      for (const signal of SIGNALS) {
        for (const [i, value] of values.entries()) {
          const way = i % 2 === 0 ? "grpc" : "http";
          const requests = places(signal, value);
          const answers = await Promise.all(requests.map((bytes) => scene.sender.send(way, signal, bytes)));
          for (const [j, answer] of answers.entries()) scene.assertDecided(signal, way, requests[j]!, answer);
        }
      }
      await scene.assertSound();
      if (ack === "queued") assert.equal(scene.unreadable, 0);
    });
  }
}

/** Field of an item's attributes: of a span, of a metric's metadata, of a log record. */
const ATTRIBUTES: Readonly<Record<Signal, number>> = { traces: 9, metrics: 12, logs: 6 };

/**
 * Requests with these bytes as an attribute's value in the item, in the resource, in the scope; and
 * as the request itself.
 */
function places(signal: Signal, value: Buffer): Buffer[] {
  const attribute = Buffer.concat([field(1, Buffer.from("k")), field(2, value)]);
  const item = field(ATTRIBUTES[signal], attribute);
  const inItem = field(1, field(2, field(2, item)));
  const inResource = field(1, Buffer.concat([field(2, field(2, Buffer.alloc(0))), field(1, field(1, attribute))]));
  const inScope = field(1, field(2, Buffer.concat([field(1, field(3, attribute)), field(2, Buffer.alloc(0))])));
  return [inItem, inResource, inScope, value];
}

/** `inner` below `depth` levels, each of which goes through these fields. Linear in depth. */
function nest(depth: number, fields: readonly number[], inner: Buffer = Buffer.alloc(0)): Buffer {
  const heads = [inner];
  let bytes = inner.length;
  for (let level = 0; level < depth; level++) {
    for (const number of fields.toReversed()) {
      const head = Buffer.concat([Buffer.from([number * 8 + LEN]), varint(bytes)]);
      heads.push(head);
      bytes += head.length;
    }
  }
  return Buffer.concat(heads.toReversed());
}

/** Unknown groups within each other. */
function groups(depth: number): Buffer {
  const [open, close] = [varint(100 * 8 + GROUP), varint(100 * 8 + GROUP_END)];
  return Buffer.concat([
    ...Array<Buffer>(depth).fill(open),
    varint(101 * 8),
    varint(1),
    ...Array<Buffer>(depth).fill(close),
  ]);
}

/** Field 3 of AnyValue, an integer, that goes on for `count` bytes. */
function ones(count: number): Buffer {
  return Buffer.concat([Buffer.from([0x18]), Buffer.alloc(count, 0xff), Buffer.from([1])]);
}

function lengths(): Buffer[] {
  const hexes = [
    "01",
    "7f",
    "ff7f",
    "ffffff7f",
    "ffffffff07",
    "ffffffff0f",
    "ffffffffffffffff7f",
    "ffffffffffffffffff01",
  ];
  return [...hexes, "808080808000", "80808080808080808000", "ff", ""].map((hex) => Buffer.from(hex, "hex"));
}

function field(number: number, body: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + LEN), varint(body.length), body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
