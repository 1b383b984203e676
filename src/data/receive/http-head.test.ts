import assert from "node:assert/strict";
import { test } from "node:test";
import { headersOf } from "../../plan/sender-headers.ts";
import { type HttpHead, readHttpHead } from "./http-head.ts";

function read(method: string, target: string, headers: Readonly<Record<string, string>>): HttpHead {
  return readHttpHead({ method, target, ...headersOf(headers) });
}

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
    const head = read("POST", url, PROTOBUF);
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
    const head = read("POST", url, PROTOBUF);
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
    const head = read("POST", "/v1/traces", { "content-type": type });
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
    const head = read("POST", "/v1/traces", { ...PROTOBUF, "content-encoding": encoding });
    if (head.kind === "export") assert.equal(head.encoding, known);
    else assert.deepEqual([head.headers, known], [["Accept-Encoding", "gzip, zstd, deflate"], undefined]);
  });
}

test("a refusal is written in the type of the request, else in what is accepted, else in protobuf", () => {
  const asked: Record<string, string>[] = [
    { "content-type": "application/json" },
    { accept: "text/html, application/json" },
    { "content-type": "text/plain" },
  ];
  const formats = asked.map((headers) => read("GET", "/", headers).format);
  assert.deepEqual(formats, ["json", "json", "protobuf"]);
});
