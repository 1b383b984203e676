import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTP1_ANSWER, looksLikeHttp1 } from "./http1.ts";

const FIRST_BYTES: Readonly<Record<string, boolean>> = {
  "GET / HTTP/1.1\r\n": true,
  "POST /v1/traces HTTP/1.1\r\n": true,
  "OPTIONS * HTTP/1.1\r\n": true,
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": false,
  P: false,
  "": false,
  "\u0016\u0003\u0001": false,
};
for (const [text, want] of Object.entries(FIRST_BYTES)) {
  test(`${JSON.stringify(text)} ${want ? "begins" : "does not begin"} a request of HTTP/1`, () => {
    assert.equal(looksLikeHttp1(Buffer.from(text, "latin1")), want);
  });
}

test("the answer is a whole response that names gRPC", () => {
  const [head = "", body = ""] = Buffer.from(HTTP1_ANSWER).toString().split("\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 505 /u);
  assert.match(head, new RegExp(`content-length: ${Buffer.byteLength(body)}\r\n`, "u"));
  assert.match(body, /gRPC/u);
});
