import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decodeResponse as oracleResponse, encodeResponse as oracleEncode } from "../../test/support/oracle/oracle.ts";
import { decodeResponse, encodeResponse } from "./response.ts";
import { SIGNAL_FACTS, SIGNALS } from "./signal.ts";

const MAX_BYTES = 4 * 1024 * 1024;

for (const signal of SIGNALS) {
  const field = SIGNAL_FACTS[signal].rejectedField;

  test(`response: full success of ${signal} is an empty message`, () => {
    assert.equal(encodeResponse(signal, 0, "", "protobuf").length, 0);
    assert.equal(Buffer.from(encodeResponse(signal, 0, "", "json")).toString(), "{}");
    assert.deepEqual(decodeResponse(signal, new Uint8Array(0)), { ok: true, rejected: 0, message: "" });
  });

  test(`response: partial success of ${signal} counts and says why`, () => {
    const bytes = encodeResponse(signal, 3, "too old", "protobuf");
    assert.deepEqual(oracleResponse(signal, bytes), { partialSuccess: { [field]: "3", errorMessage: "too old" } });
    const json: unknown = JSON.parse(Buffer.from(encodeResponse(signal, 3, "too old", "json")).toString());
    assert.deepEqual(json, { partialSuccess: { [field]: "3", errorMessage: "too old" } });
  });

  test(`response: a warning of ${signal} is a message without a count`, () => {
    const bytes = encodeResponse(signal, 0, "slow down", "protobuf");
    assert.deepEqual(oracleResponse(signal, bytes), { partialSuccess: { errorMessage: "slow down" } });
    const json: unknown = JSON.parse(Buffer.from(encodeResponse(signal, 0, "slow down", "json")).toString());
    assert.deepEqual(json, { partialSuccess: { errorMessage: "slow down" } });
  });

  test(`response: a reply for ${signal} is read as it was meant`, () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.string({ unit: "binary" }), (rejected, message) => {
        const read = decodeResponse(signal, encodeResponse(signal, rejected, message, "protobuf"));
        assert.deepEqual(read, { ok: true, rejected, message });
      }),
    );
  });

  for (const [sent, want] of [
    ["9223372036854775807", Number.MAX_SAFE_INTEGER],
    ["-1", 0],
  ] as const) {
    test(`response: a target that rejects ${sent} of ${signal} is taken to mean ${want}`, () => {
      const read = decodeResponse(signal, oracleEncode(signal, { partialSuccess: { [field]: sent } }));
      assert.deepEqual(read, { ok: true, rejected: want, message: "" });
    });
  }
}

const long = [
  { name: "plain text", message: "x".repeat(MAX_BYTES + 10) },
  { name: "text of wide characters", message: "🚦".repeat(MAX_BYTES / 4 + 10) },
  { name: "control characters, which JSON escapes", message: "\u0001".repeat(MAX_BYTES) },
];
for (const { name, message } of long) {
  test(`response: ${name} is cut so that the reply stays within 4 MiB`, () => {
    const bytes = encodeResponse("traces", 1, message, "protobuf");
    const json = encodeResponse("traces", 1, message, "json");
    const kept = oracleResponse("traces", bytes)["partialSuccess"];
    assert.ok(bytes.length <= MAX_BYTES && bytes.length > MAX_BYTES - 1_024);
    assert.ok(json.length <= MAX_BYTES && json.length > MAX_BYTES / 2);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own text, read back
    const parsed = JSON.parse(Buffer.from(json).toString()) as { partialSuccess: { errorMessage: string } };
    assert.ok(message.startsWith(parsed.partialSuccess.errorMessage));
    assert.ok(!parsed.partialSuccess.errorMessage.includes("�") && !JSON.stringify(kept).includes("�"));
  });
}

test("response: unknown fields of a reply are ignored", () => {
  const inner = Buffer.from([
    0x08, 7, 0x1b, 0x08, 1, 0x1c, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4, 0x12, 1, 0x61,
  ]);
  const bytes = Buffer.concat([Buffer.from([0x18, 1, 0x0a, inner.length]), inner, Buffer.from([0x22, 0])]);
  assert.deepEqual(decodeResponse("logs", bytes), { ok: true, rejected: 7, message: "a" });
});

for (const [name, bytes] of [
  ["a length beyond the end", [0x0a, 5, 1]],
  ["a varint without an end", [0x0a, 2, 0x08, 0x80]],
  ["an HTML page", [...Buffer.from("<html>")]],
  ["a group that is closed by another", [0x1b, 0x24]],
  ["field number 0", [0x02, 0]],
] as const) {
  test(`response: ${name} is not a reply`, () => {
    assert.deepEqual(decodeResponse("traces", Buffer.from(bytes)), { ok: false });
  });
}

test("response: any bytes are read or refused without an exception", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => [true, false].includes(decodeResponse("metrics", bytes).ok)));
});
