import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decodeStatus as oracleStatus, encodeMessage } from "../../test/support/oracle/oracle.ts";
import { decodeStatus, encodeStatus, statusToJson } from "./status.ts";

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

test("status: code and message alone have no details", () => {
  assert.deepEqual(oracleStatus(encodeStatus({ code: 13, message: "größer" })), { code: 13, message: "größer" });
});

test("status: RetryInfo and BadRequest are packed as Any", () => {
  const violations = [
    { field: "resourceSpans[0]", description: "first" },
    { field: "b", description: "second" },
  ];
  const bytes = encodeStatus({ code: 14, message: "m", retryDelayMs: 1_500, violations });
  assert.deepEqual(oracleStatus(bytes), {
    code: 14,
    message: "m",
    details: [
      { typeUrl: RETRY_INFO, value: { retryDelay: { seconds: "1", nanos: 500_000_000 } } },
      { typeUrl: BAD_REQUEST, value: { fieldViolations: violations } },
    ],
  });
});

const delays = [
  { name: "no delay is still a RetryInfo", ms: 0, json: "0s", want: 0 },
  { name: "a fraction of a second", ms: 250, json: "0.25s", want: 250 },
  { name: "whole seconds", ms: 30_000, json: "30s", want: 30_000 },
  { name: "a negative delay is none", ms: -5, json: "0s", want: 0 },
  { name: "a delay beyond what Duration holds is cut", ms: 1e300, json: "315576000000s", want: 315_576_000_000_000 },
];
for (const { name, ms, json, want } of delays) {
  test(`status: ${name}`, () => {
    assert.equal(decodeStatus(encodeStatus({ code: 14, message: "", retryDelayMs: ms }))?.retryDelayMs, want);
    assert.deepEqual(JSON.parse(statusToJson({ code: 14, message: "", retryDelayMs: ms })), {
      code: 14,
      message: "",
      details: [{ "@type": RETRY_INFO, retryDelay: json }],
    });
  });
}

test("status: JSON carries violations under their JSON name", () => {
  const violations = [{ field: "f", description: "d" }];
  assert.deepEqual(JSON.parse(statusToJson({ code: 3, message: "bad", violations })), {
    code: 3,
    message: "bad",
    details: [{ "@type": BAD_REQUEST, fieldViolations: violations }],
  });
});

test("status: what was encoded is read back", () => {
  const delay = fc.option(fc.nat({ max: 86_400_000 }), { nil: undefined });
  const violation = fc.record({ field: fc.string(), description: fc.string({ unit: "binary" }) });
  fc.assert(
    fc.property(
      fc.nat({ max: 16 }),
      fc.string({ unit: "binary" }),
      delay,
      fc.array(violation),
      (code, message, ms, violations) => {
        const retry = ms === undefined ? {} : { retryDelayMs: ms };
        const read = decodeStatus(encodeStatus({ code, message, ...retry, violations }));
        assert.deepEqual(read, { code, message, ...retry });
      },
    ),
  );
});

test("status: details it does not know are ignored", () => {
  const unknown = { typeUrl: "type.googleapis.com/google.rpc.DebugInfo", value: Buffer.from([1, 2, 3]) };
  const bytes = encodeMessage("RpcStatus", { code: 8, message: "m", details: [unknown] });
  assert.deepEqual(decodeStatus(bytes), { code: 8, message: "m" });
});

test("status: a RetryInfo without a delay asks for none", () => {
  const bytes = encodeMessage("RpcStatus", { code: 8, details: [{ typeUrl: RETRY_INFO }] });
  assert.deepEqual(decodeStatus(bytes), { code: 8, message: "", retryDelayMs: 0 });
});

test("status: a broken RetryInfo is as good as none", () => {
  const bytes = encodeMessage("RpcStatus", {
    code: 8,
    details: [{ typeUrl: RETRY_INFO, value: Buffer.from([10, 9]) }],
  });
  assert.deepEqual(decodeStatus(bytes), { code: 8, message: "" });
});

test("status: a negative code and a message that is not UTF-8 are read", () => {
  const bytes = Buffer.concat([encodeMessage("RpcStatus", { code: -1 }), Buffer.from([0x12, 1, 0xff])]);
  assert.deepEqual(decodeStatus(bytes), { code: -1, message: "�" });
});

test("status: a message is read up to a bound", () => {
  const read = decodeStatus(encodeStatus({ code: 1, message: "x".repeat(100_000) }));
  assert.equal(read?.message, "x".repeat(4_096));
});

test("status: any bytes are read or refused without an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const read = decodeStatus(bytes);
      assert.ok(read === undefined || Number.isInteger(read.code));
    }),
  );
  assert.equal(decodeStatus(Buffer.from([0x12, 5, 0x41])), undefined);
  assert.equal(decodeStatus(Buffer.alloc(10_000, 0x0b)), undefined, "groups without an end");
});
