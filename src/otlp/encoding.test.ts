import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED_ENCODINGS } from "../http2/headers.ts";
import { CONTENT_ENCODINGS, KNOWN_ENCODINGS, parseEncoding } from "./encoding.ts";
import { REPLY_ENCODINGS } from "./inflate-reply.ts";

test("what is named to peers, of requests and of replies, is exactly what is taken", () => {
  for (const named of [ACCEPTED_ENCODINGS, KNOWN_ENCODINGS, REPLY_ENCODINGS]) {
    const encodings = named.split(",").map((name) => parseEncoding(name));
    const inflated = encodings.filter((encoding) => encoding !== "identity");
    assert.deepEqual(new Set(inflated), new Set(CONTENT_ENCODINGS));
    assert.equal(inflated.length, CONTENT_ENCODINGS.length);
  }
});
