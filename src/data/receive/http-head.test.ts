import assert from "node:assert/strict";
import { test } from "node:test";
import { readHttpHead } from "./http-head.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };

for (const [url, signal] of [
  ["/v1/traces", "traces"],
  ["/v1/metrics", "metrics"],
  ["/v1/logs", "logs"],
  ["/v1/traces/", "traces"],
  ["/v1/traces//?x=/y/", "traces"],
  ["//v1/traces", "traces"],
  ["///v1/logs//", "logs"],
  ["http://router.example:4318//v1/metrics", "metrics"],
  ["/v1/logs?token=1", "logs"],
  ["http://router.example:4318/v1/metrics/?x", "metrics"],
  ["HTTPS://router.example/v1/logs", "logs"],
] as const) {
  test(`${url} is where ${signal} go`, () => {
    const head = readHttpHead({ method: "POST", url, headers: PROTOBUF });
    assert.equal(head.kind === "export" ? head.signal : head.refusal.reason, signal);
  });
}

for (const url of [
  "/",
  "",
  "*",
  "/v1/Traces",
  "/v1/traces/x",
  "/v1/spans",
  "/v1//traces",
  "//",
  "http://v1/",
  "http://h",
]) {
  test(`there is nothing at "${url}"`, () => {
    const head = readHttpHead({ method: "POST", url, headers: PROTOBUF });
    assert.equal(head.kind === "refused" && head.refusal.reason, "not_found");
  });
}

for (const [type, format] of [
  ["application/x-protobuf", "protobuf"],
  ["Application/X-Protobuf ; charset=utf-8", "protobuf"],
  ["application/json", "json"],
  ["application/json;charset=UTF-8", "json"],
  ["APPLICATION/JSON", "json"],
  ["text/plain", undefined],
  ["application/jsonx", undefined],
  ["application/grpc", undefined],
  ["application/x-www-form-urlencoded", undefined],
  ["", undefined],
] as const) {
  test(`content-type "${type}" is ${format ?? "not known"}`, () => {
    const head = readHttpHead({ method: "POST", url: "/v1/traces", headers: { "content-type": type } });
    if (head.kind === "export") assert.equal(head.format, format);
    else assert.deepEqual([head.refusal.reason, format], ["unsupported_media_type", undefined]);
  });
}

for (const [encoding, known] of [
  ["identity", "identity"],
  ["gzip", "gzip"],
  ["GZIP", "gzip"],
  ["x-gzip", "gzip"],
  ["zstd", "zstd"],
  ["deflate", "deflate"],
  ["zlib", "deflate"],
  ["br", undefined],
  ["snappy", undefined],
  ["gzip, gzip", undefined],
] as const) {
  test(`content-encoding "${encoding}" is ${known ?? "not known, and the reply tells what is"}`, () => {
    const head = readHttpHead({
      method: "POST",
      url: "/v1/traces",
      headers: { ...PROTOBUF, "content-encoding": encoding },
    });
    if (head.kind === "export") assert.equal(head.encoding, known);
    else assert.deepEqual([head.headers, known], [["Accept-Encoding", "gzip, zstd, deflate"], undefined]);
  });
}

for (const [what, httpVersion, rawHeaders, ok] of [
  ["HTTP/1.1 with a host", "1.1", ["Host", "x"], true],
  ["HTTP/1.1 with an empty host", "1.1", ["host", ""], true],
  ["HTTP/1.1 without a host", "1.1", ["X-Host", "x"], false],
  ["HTTP/1.1 with two hosts", "1.1", ["Host", "x", "HOST", "x"], false],
  ["HTTP/1.0 without a host", "1.0", [], true],
  ["HTTP/1.0 with two hosts", "1.0", ["host", "x", "host", "y"], false],
] as const) {
  test(`${what} is ${ok ? "taken" : "bad data"}`, () => {
    const head = readHttpHead({ method: "POST", url: "/v1/traces", headers: PROTOBUF, httpVersion, rawHeaders });
    assert.equal(head.kind === "refused" && head.refusal.reason, ok ? false : "bad_data");
  });
}

test("a body has the length that is told, none when nothing is told, and an unknown one when it is chunked", () => {
  const lengths = [{ "content-length": "17" }, {}, { "transfer-encoding": "chunked" }].map((headers) => {
    const head = readHttpHead({ method: "POST", url: "/v1/traces", headers: { ...PROTOBUF, ...headers } });
    return head.kind === "export" ? head.length : head.refusal.reason;
  });
  assert.deepEqual(lengths, [17, 0, undefined]);
});

test("a refusal is written in the type of the request, else in what is accepted, else in protobuf", () => {
  const formats = [
    { "content-type": "application/json" },
    { accept: "text/html, application/json" },
    { "content-type": "text/plain" },
  ].map((headers) => readHttpHead({ method: "GET", url: "/", headers }).format);
  assert.deepEqual(formats, ["json", "json", "protobuf"]);
});
