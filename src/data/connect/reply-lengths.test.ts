import assert from "node:assert/strict";
import { test } from "node:test";
import { withOneLength } from "./reply-lengths.ts";

const CASES = [
  { name: "one length", head: ["content-length: 2"], want: ["content-length: 2"] },
  { name: "no length", head: ["x: y"], want: ["x: y"] },
  { name: "chunks", head: ["transfer-encoding: chunked"], want: ["transfer-encoding: chunked"] },
  {
    name: "the same twice",
    head: ["Content-Length: 2", "x: y", "content-length:2"],
    want: ["x: y", "content-length: 2"],
  },
  { name: "the same in one line", head: ["content-length: 2, 2", "content-length: 2"], want: ["content-length: 2"] },
  {
    name: "two different ones",
    head: ["content-length: 2", "content-length: 7"],
    want: ["content-length: 2", "connection: close"],
  },
  {
    name: "chunks and a length",
    head: ["content-length: 2", "Transfer-Encoding: chunked"],
    want: ["Transfer-Encoding: chunked"],
  },
] as const;

for (const { name, head, want } of CASES) {
  test(`reply lengths: ${name}`, () => {
    const [before, after] = [head, want].map((lines) => `HTTP/1.1 400 Bad\r\n${lines.join("\r\n")}\r\n\r\n`);
    const bytes = Buffer.from(`${before}okHTTP`, "latin1");
    const mended = withOneLength(bytes, before!.length);
    assert.equal(mended.toString("latin1"), `${after}okHTTP`);
    if (before === after) assert.equal(mended, bytes);
  });
}
