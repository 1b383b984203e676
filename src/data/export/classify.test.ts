import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC, grpcCodeName } from "../../otlp/grpc-code.ts";
import { compileStatuses } from "../../plan/status-verdicts.ts";
import { classifyGrpc, classifyHttp, grpcStatusOfHttp } from "./classify.ts";
import type { SendOutcome } from "../send-outcome.ts";

const WALL_MS = 1_750_000_000_000;

const grpcCases = [
  { status: GRPC.CANCELLED, plain: "retry", hinted: "retry" },
  { status: GRPC.UNKNOWN, plain: "rejected", hinted: "rejected" },
  { status: GRPC.INVALID_ARGUMENT, plain: "rejected", hinted: "rejected" },
  { status: GRPC.DEADLINE_EXCEEDED, plain: "retry", hinted: "retry" },
  { status: GRPC.NOT_FOUND, plain: "rejected", hinted: "rejected" },
  { status: GRPC.ALREADY_EXISTS, plain: "rejected", hinted: "rejected" },
  { status: GRPC.PERMISSION_DENIED, plain: "rejected", hinted: "rejected" },
  { status: GRPC.RESOURCE_EXHAUSTED, plain: "too_large", hinted: "retry" },
  { status: GRPC.FAILED_PRECONDITION, plain: "rejected", hinted: "rejected" },
  { status: GRPC.ABORTED, plain: "retry", hinted: "retry" },
  { status: GRPC.OUT_OF_RANGE, plain: "retry", hinted: "retry" },
  { status: GRPC.UNIMPLEMENTED, plain: "elsewhere", hinted: "elsewhere" },
  { status: GRPC.INTERNAL, plain: "rejected", hinted: "rejected" },
  { status: GRPC.UNAVAILABLE, plain: "retry", hinted: "retry" },
  { status: GRPC.DATA_LOSS, plain: "retry", hinted: "retry" },
  { status: GRPC.UNAUTHENTICATED, plain: "rejected", hinted: "rejected" },
  { status: 99, plain: "rejected", hinted: "rejected" },
] as const;
for (const { status, plain, hinted } of grpcCases) {
  const name = grpcCodeName(status);
  test(`gRPC ${name} without RetryInfo: ${plain}; with RetryInfo: ${hinted}`, () => {
    const answer = { status, message: "why", retryDelayMs: undefined, pushbackMs: undefined };
    const without = classifyGrpc(answer);
    const withInfo = classifyGrpc({ ...answer, retryDelayMs: 1_500 });
    assert.equal(without.kind, plain);
    assert.equal(withInfo.kind, hinted);
    assert.equal(without.message, `${name}: why`);
    if (without.kind === "retry") assert.equal(without.afterMs, undefined);
    if (withInfo.kind === "retry") assert.equal(withInfo.afterMs, 1_500);
    if (without.kind === "rejected") {
      assert.deepEqual([without.code, without.badData], [name, status === GRPC.INVALID_ARGUMENT]);
    }
  });
}

test("RESOURCE_EXHAUSTED that names no delay may be a size or a quota; HTTP 413 is a size", () => {
  const answer = { status: GRPC.RESOURCE_EXHAUSTED, message: "", retryDelayMs: undefined, pushbackMs: undefined };
  const message = "RESOURCE_EXHAUSTED";
  assert.deepEqual(classifyGrpc(answer), { kind: "too_large", message, doubt: "quota" });
  const http = classifyHttp({ status: 413, message: "", retryAfter: undefined }, WALL_MS);
  assert.deepEqual(http, { kind: "too_large", message: "HTTP 413" });
});

test("gRPC UNAVAILABLE is throttling only when it names a delay; the longer of two delays counts", () => {
  const answer = { status: GRPC.UNAVAILABLE, message: "", retryDelayMs: undefined, pushbackMs: undefined };
  const plain = classifyGrpc(answer);
  const both = classifyGrpc({ ...answer, retryDelayMs: 100, pushbackMs: 900 });
  assert.equal(plain.kind === "retry" && plain.reason, "unavailable");
  assert.deepEqual(both.kind === "retry" && [both.reason, both.afterMs], ["throttled", 900]);
});

const httpCases = [
  ...[301, 302, 304, 307, 308, 404, 405].map((status) => ({ status, want: "elsewhere", badData: false })),
  { status: 400, want: "rejected", badData: true },
  ...[401, 403, 406, 408, 410, 415, 422, 431].map((status) => ({ status, want: "rejected", badData: false })),
  { status: 413, want: "too_large", badData: false },
  ...[429, 502, 503, 504].map((status) => ({ status, want: "retry", badData: false })),
  ...[500, 501, 505, 507, 511, 599].map((status) => ({ status, want: "rejected", badData: false })),
];
for (const { status, want, badData } of httpCases) {
  test(`HTTP ${status}: ${want}`, () => {
    const outcome = classifyHttp({ status, message: "", retryAfter: "3" }, WALL_MS);
    assert.equal(outcome.kind, want);
    assert.equal(outcome.message, `HTTP ${status}`);
    if (outcome.kind === "rejected") assert.deepEqual([outcome.code, outcome.badData], [`HTTP ${status}`, badData]);
    if (outcome.kind === "retry") assert.deepEqual([outcome.afterMs, outcome.unprocessed], [3_000, false]);
  });
}

test("HTTP 503 is throttling only with Retry-After; an unreadable Retry-After counts as none", () => {
  const plain = classifyHttp({ status: 503, message: "", retryAfter: undefined }, WALL_MS);
  const dated = classifyHttp(
    { status: 503, message: "", retryAfter: new Date(WALL_MS + 4_000).toUTCString() },
    WALL_MS,
  );
  const odd = classifyHttp({ status: 503, message: "", retryAfter: "soon" }, WALL_MS);
  assert.equal(plain.kind === "retry" && plain.reason, "unavailable");
  assert.deepEqual(dated.kind === "retry" && [dated.reason, dated.afterMs], ["throttled", 4_000]);
  assert.deepEqual(odd.kind === "retry" && [odd.reason, odd.afterMs], ["unavailable", undefined]);
});

test("an HTTP answer where gRPC was expected stands for the status that gRPC says", () => {
  const want = { 400: 13, 401: 16, 403: 7, 404: 12, 413: 8, 429: 14, 502: 14, 503: 14, 504: 14, 500: 2, 200: 2 };
  for (const [status, code] of Object.entries(want)) assert.equal(grpcStatusOfHttp(Number(status)), code, status);
});

test("only what may be about the data of one request is worth sending its batch's requests one by one", () => {
  const perhapsGrpc = Object.values(GRPC).filter((status) => {
    const outcome = classifyGrpc({ status, message: "", retryDelayMs: undefined, pushbackMs: undefined });
    return outcome.kind === "rejected" && outcome.perhapsData;
  });
  assert.deepEqual(
    perhapsGrpc.toSorted((a, b) => a - b),
    [GRPC.UNKNOWN, GRPC.INTERNAL],
  );
  const perhapsHttp = Array.from({ length: 200 }, (_, i) => 400 + i).filter((status) => {
    const outcome = classifyHttp({ status, message: "", retryAfter: undefined }, 0);
    return outcome.kind === "rejected" && outcome.perhapsData;
  });
  assert.deepEqual(perhapsHttp, [422, 500]);
});

test("429 and RESOURCE_EXHAUSTED are about whoever sent it, and no other answer that asks for time is", () => {
  const isQuota = (outcome: SendOutcome): boolean => outcome.kind === "retry" && outcome.quota === true;
  for (const status of [429, 502, 503, 504]) {
    for (const retryAfter of [undefined, "5"]) {
      assert.equal(isQuota(classifyHttp({ status, message: "", retryAfter }, 0)), status === 429, String(status));
    }
  }
  for (const status of Object.values(GRPC)) {
    const outcome = classifyGrpc({ status, message: "", retryDelayMs: 1_000, pushbackMs: undefined });
    assert.equal(isQuota(outcome), status === GRPC.RESOURCE_EXHAUSTED, String(status));
  }
});

test("what is not gRPC and says: not here, sends elsewhere, whatever gRPC makes of it", () => {
  const answer = { message: "", retryDelayMs: undefined, pushbackMs: undefined };
  for (const httpStatus of [301, 307, 308, 404, 405]) {
    assert.equal(classifyGrpc({ ...answer, status: grpcStatusOfHttp(httpStatus), httpStatus }).kind, "elsewhere");
  }
  assert.equal(classifyGrpc({ ...answer, status: grpcStatusOfHttp(400), httpStatus: 400 }).kind, "rejected");
});

test("statuses: what the config says of a status comes before the protocol", () => {
  const verdicts = compileStatuses({ 403: "retry", 404: "final", 500: "elsewhere", 503: "final" });
  const http = (status: number, retryAfter?: string): SendOutcome =>
    classifyHttp({ status, message: "", retryAfter }, WALL_MS, verdicts);
  const retried = http(403);
  assert.deepEqual(retried.kind === "retry" && [retried.reason, retried.afterMs], ["unavailable", undefined]);
  const paused = http(403, "7");
  assert.deepEqual(paused.kind === "retry" && [paused.reason, paused.afterMs], ["throttled", 7_000]);
  assert.deepEqual([http(404).kind, http(500).kind, http(503, "7").kind], ["rejected", "elsewhere", "rejected"]);
  assert.deepEqual([http(405).kind, http(502).kind, http(413).kind], ["elsewhere", "retry", "too_large"]);
});

test("statuses: gRPC codes by their names, and HTTP statuses of what is not gRPC", () => {
  const verdicts = compileStatuses({
    UNIMPLEMENTED: "final",
    INTERNAL: "retry",
    UNAVAILABLE: "elsewhere",
    403: "retry",
  });
  const grpc = (status: number, more: { retryDelayMs?: number; httpStatus?: number } = {}): SendOutcome =>
    classifyGrpc({ status, message: "", retryDelayMs: undefined, pushbackMs: undefined, ...more }, verdicts);
  assert.deepEqual([grpc(GRPC.UNIMPLEMENTED).kind, grpc(GRPC.UNAVAILABLE).kind], ["rejected", "elsewhere"]);
  const retried = grpc(GRPC.INTERNAL);
  assert.equal(retried.kind === "retry" && retried.reason, "unavailable");
  const paused = grpc(GRPC.INTERNAL, { retryDelayMs: 900 });
  assert.deepEqual(paused.kind === "retry" && [paused.reason, paused.afterMs], ["throttled", 900]);
  assert.equal(grpc(GRPC.PERMISSION_DENIED, { httpStatus: 403 }).kind, "retry");
  assert.equal(grpc(GRPC.PERMISSION_DENIED).kind, "rejected");
});
