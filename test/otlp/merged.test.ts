import assert from "node:assert/strict";
import { test } from "node:test";
import { seeValue, UNSEEN } from "../../src/otlp/any-value.ts";
import { KeyValueReader } from "../../src/otlp/key-value.ts";
import { joinResources, viewResource } from "../../src/otlp/resource.ts";
import { ResourceAttributes } from "../../src/otlp/resource-attributes.ts";

/** So many that what is done anew for each piece never ends. */
const PIECES = 2_000_000;

function repeated(hex: string): Buffer {
  const unit = Buffer.from(hex, "hex");
  return Buffer.alloc(PIECES * unit.length, unit);
}

test("merging: a value in two million pieces is joined once", () => {
  const pair = new KeyValueReader();
  const bytes = Buffer.concat([Buffer.from("0a016b", "hex"), repeated("12030a0161")]);
  assert.ok(pair.read(bytes, 0, bytes.length));
  assert.equal(pair.valueEnd - pair.valueStart, PIECES * 3);
  assert.equal(seeValue(pair.bytes, pair.valueStart, pair.valueEnd), "a");
});

test("merging: an array in two million pieces has the elements of all of them", () => {
  const bytes = repeated("2a040a021801");
  const seen = seeValue(bytes, 0, bytes.length);
  assert.ok(Array.isArray(seen) && seen.length === PIECES && seen.every((element) => element === 1));
});

test("merging: a resource in two million pieces is joined in the memory that it needs", () => {
  const bytes = repeated("0a040a020a00");
  const before = process.memoryUsage().arrayBuffers;
  const joined = joinResources(bytes, 0, bytes.length);
  assert.deepEqual([joined.length, joined.buffer.byteLength], [PIECES * 4, PIECES * 4]);
  assert.ok(process.memoryUsage().arrayBuffers - before <= 2 * joined.length);
});

test("merging: pieces of any length stay in order, with other fields between them", () => {
  const long = Buffer.alloc(100, "x");
  const bytes = Buffer.concat([
    Buffer.from("0a0261620801", "hex"),
    Buffer.from([0x0a, 100]),
    long,
    Buffer.from("0a0163", "hex"),
  ]);
  assert.equal(Buffer.from(joinResources(bytes, 0, bytes.length)).toString(), `ab${long.toString()}c`);
});

test("a resource's first 16,384 attributes are seen by rules, and no more are kept", () => {
  const attributes = Array.from({ length: 20_000 }, (_, i) => {
    const key = Buffer.from(String(i).padStart(5, "0"));
    return Buffer.concat([Buffer.from([0x0a, 7, 0x0a, 5]), key]);
  });
  const { attributes: seen } = viewResource(Buffer.concat(attributes));
  assert.deepEqual([seen.size, seen.has("16383"), seen.has("16384")], [16_384, true, false]);
  const asked = new ResourceAttributes();
  for (const count of [63, 64, 65, 20_000]) {
    asked.open(Buffer.concat(attributes.slice(0, count)));
    const last = String(count - 1).padStart(5, "0");
    assert.deepEqual([asked.get(last) !== undefined, asked.get("00000")], [count < 20_000, UNSEEN], last);
  }
});
