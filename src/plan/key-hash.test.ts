import assert from "node:assert/strict";
import { test } from "node:test";
import { UNSEEN } from "../otlp/any-value.ts";
import { ItemFields } from "../otlp/item-fields.ts";
import { KeySet } from "../otlp/key-set.ts";
import { dataPointHash, hashBytes, hashSeen, slotHash, traceHash } from "./key-hash.ts";

function utf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** Field number and LEN content, lengths below 128. */
function field(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of((number << 3) | 2, content.length), content]);
}

function attribute(key: string, value: Uint8Array): Uint8Array {
  return Buffer.concat([field(1, utf8(key)), field(2, value)]);
}

const textValue = (text: string): Uint8Array => field(1, utf8(text));
const intValue = (value: number): Uint8Array => Buffer.of(0x18, value);

test("the hash is the same for ever: nodes of all versions have to agree", () => {
  assert.deepEqual(
    ["", "a", "payments"].map((text) => hashBytes(utf8(text), 0, text.length)),
    [2_872_998_923, 444_641_715, 340_755_266],
  );
});

test("a range is hashed, not what is around it", () => {
  assert.equal(hashBytes(utf8("xxabcyy"), 2, 5), hashBytes(utf8("abc"), 0, 3));
});

test("neighbouring keys spread evenly over any number of targets", () => {
  for (const targets of [2, 3, 7, 64]) {
    const counts = Array.from({ length: targets }, () => 0);
    for (let i = 0; i < 64_000; i++) {
      const id = Buffer.alloc(16);
      id.writeUInt32BE(i, 12);
      counts[hashBytes(id, 0, 16) % targets]! += 1;
    }
    const mean = 64_000 / targets;
    for (const count of counts) assert.ok(Math.abs(count - mean) < 5 * Math.sqrt(mean), `${count} of ${mean}`);
  }
});

const same = [
  { name: "a number and its text", a: 5, b: "5" },
  { name: "an array and its elements with commas", a: ["a", 1, true], b: "a,1,true" },
  { name: "what cannot be compared, and nothing", a: UNSEEN, b: undefined },
  { name: "an array of what cannot be compared", a: [UNSEEN, "x"], b: ",x" },
] as const;
for (const { name, a, b } of same) test(`the same key: ${name}`, () => assert.equal(hashSeen(a), hashSeen(b)));

test("an attribute of the item is hashed by its text, however it is encoded", () => {
  const keys = new KeySet(["k"]);
  const hashOf = (value: Uint8Array | undefined): number => {
    const bytes = value === undefined ? new Uint8Array(0) : field(9, attribute("k", value));
    const item = new ItemFields();
    assert.ok(item.read("traces", bytes, 0, bytes.length, keys));
    return slotHash(0)(item);
  };
  assert.equal(hashOf(textValue("gold")), hashSeen("gold"));
  assert.equal(hashOf(intValue(7)), hashSeen("7"));
  assert.equal(hashOf(undefined), hashSeen(""));
});

test("an attribute of a metric is that of the first data point that has it", () => {
  const point = (...attributes: readonly Uint8Array[]): Uint8Array =>
    field(1, Buffer.concat(attributes.map((one) => field(7, one))));
  const metric = field(
    5,
    Buffer.concat([
      point(attribute("x", textValue("1"))),
      point(attribute("k", textValue("2"))),
      point(attribute("k", textValue("3"))),
    ]),
  );
  const item = new ItemFields();
  assert.ok(item.read("metrics", metric, 0, metric.length, undefined));
  assert.deepEqual([dataPointHash("k")(item), dataPointHash("none")(item)], [hashSeen("2"), hashSeen("")]);
});

test("trace_id: spans and log records of one trace agree; metrics go by name; records of no trace are spread", () => {
  const read = (signal: "traces" | "metrics" | "logs", bytes: Uint8Array): number => {
    const item = new ItemFields();
    assert.ok(item.read(signal, bytes, 0, bytes.length, undefined));
    return traceHash(signal)(item);
  };
  const id = Buffer.alloc(16, 9);
  assert.equal(read("traces", field(1, id)), hashBytes(id, 0, 16));
  assert.equal(read("logs", field(9, id)), hashBytes(id, 0, 16));
  assert.equal(read("metrics", field(1, utf8("requests"))), hashSeen("requests"));
  assert.equal(read("traces", new Uint8Array(0)), hashSeen(""));
  const records = Array.from({ length: 50 }, (_, i) =>
    read("logs", Buffer.concat([Buffer.of(0x09), Buffer.alloc(8, i)])),
  );
  assert.equal(new Set(records).size, 50);
});
