import assert from "node:assert/strict";
import { test } from "node:test";
import { readReplyHead } from "./http-answer.ts";

test("a head that nobody else could read: its status, and its fields as lists", () => {
  const lines = [
    "HTTP/1.1 503 Not Now",
    "Retry-After: 3",
    "content-length: many",
    "x y: z",
    ": z",
    "retry-after:7 ",
    "",
  ];
  const head = readReplyHead(Buffer.from(`${lines.join("\r\n")}\r\nretry-after: 1`, "latin1"));
  assert.equal(head?.status, 503);
  assert.deepEqual(head.headers, { "retry-after": ["3", "7"], "content-length": ["many"] });
});

test("names of a head are never those of an object", () => {
  const head = readReplyHead(Buffer.from("HTTP/1.1 200 OK\r\n__proto__: x\r\nconstructor: y\r\n\r\n"));
  assert.deepEqual(Object.entries(head?.headers ?? {}), [
    ["__proto__", ["x"]],
    ["constructor", ["y"]],
  ]);
});

test("the fields of a head of which the end did not come", () => {
  const head = readReplyHead(Buffer.from("HTTP/1.0 429 Slow\nretry-after: 3\r\nx: unfinis"));
  assert.deepEqual([head?.status, head?.headers["retry-after"]], [429, ["3"]]);
});

for (const text of ["", "HTTP/1.1 200", "HTTP/1.1 100 Wait\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n"]) {
  test(`no final head: ${JSON.stringify(text)}`, () => assert.equal(readReplyHead(Buffer.from(text)), undefined));
}
