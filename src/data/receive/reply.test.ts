import assert from "node:assert/strict";
import { test } from "node:test";
import { REASONS, type Reason } from "../../core/reason.ts";
import { decodeStatus } from "../../otlp/status.ts";
import { grpcCodeName } from "../../otlp/grpc-code.ts";
import { grpcRefusal } from "./grpc-reply.ts";
import { httpRefusal } from "./http-reply.ts";
import { errorText, partialText, REPLIES, retryAfterSeconds, retryDelayMs } from "./reply.ts";

/** OTLP 1.11, OTLP/HTTP Response: the only statuses that a client may send again. */
const HTTP_RETRYABLE = [429, 502, 503, 504];
/** OTLP 1.11, OTLP/gRPC Response. RESOURCE_EXHAUSTED is among them only with RetryInfo. */
const GRPC_RETRYABLE = ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"];

for (const reason of REASONS) {
  const { http, grpc, retryable } = REPLIES[reason];
  test(`${reason}: ${retryable ? "may" : "must not"} be sent again, by HTTP's table and by gRPC's`, () => {
    assert.equal(HTTP_RETRYABLE.includes(http), retryable);
    const name = grpcCodeName(grpc);
    const withRetryInfo =
      decodeStatus(grpcRefusal({ reason, message: "" }).details ?? new Uint8Array(0))?.retryDelayMs !== undefined;
    const byCode = GRPC_RETRYABLE.includes(name) || (name === "RESOURCE_EXHAUSTED" && withRetryInfo);
    assert.equal(byCode, retryable);
    assert.equal(withRetryInfo, retryable, "RetryInfo");
    assert.equal(
      httpRefusal("json", { reason, message: "" }, []).headers.includes("Retry-After"),
      retryable,
      "Retry-After",
    );
  });
}

test("what may be sent again carries the delay of its refusal, else one second; what must not carries none", () => {
  assert.equal(retryDelayMs({ reason: "memory", message: "", retryAfterMs: 2_500 }), 2_500);
  assert.equal(retryDelayMs({ reason: "no_target", message: "" }), 1_000);
  const never: Reason[] = ["too_large", "bad_data", "internal"];
  for (const reason of never) assert.equal(retryDelayMs({ reason, message: "", retryAfterMs: 2_500 }), undefined);
});

for (const [delayMs, seconds] of [
  [1, 1],
  [999, 1],
  [1_000, 1],
  [1_001, 2],
  [30_500, 31],
] as const) {
  test(`Retry-After of ${delayMs} ms is ${seconds}`, () => assert.equal(retryAfterSeconds(delayMs), seconds));
}

test("the longest text stays below 8 KiB of gRPC trailers, whatever it is made of", () => {
  const { text, details = new Uint8Array(0) } = grpcRefusal({ reason: "bad_data", message: "\u{1F6A6}".repeat(5_000) });
  const percentEncoded = 3 * Buffer.byteLength(text);
  assert.ok(
    percentEncoded + Math.ceil(details.length / 3) * 4 < 8_192 - 200,
    `${percentEncoded} and ${details.length}`,
  );
});

test("texts are cut at whole characters", () => {
  assert.equal(errorText("short"), "short");
  for (const text of [errorText("\u{1F6A6}".repeat(5_000)), partialText(`x${"\u{1F6A6}".repeat(50_000)}`)]) {
    assert.ok(text.isWellFormed());
    assert.ok(text.endsWith("…"));
  }
});
