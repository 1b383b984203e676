import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStatusText } from "../../headers.ts";
import { headerBlockOf, headerListBytes } from "../header-list.ts";
import { HpackDecoder } from "../hpack/decoder.ts";
import { errorBlock } from "./reply-blocks.ts";

function decode(block: Uint8Array): readonly string[] {
  const limits = { maxListBytes: 1_000_000, maxFields: 100, tableBytes: 4_096 };
  return new HpackDecoder(limits, 4_096, () => true).decode(block, 0, block.length)?.headers ?? [];
}

const REPLY = { status: 14, text: "später 100%  ".repeat(20), details: new Uint8Array(300) };
const FIELDS = [":status", "content-type", "grpc-accept-encoding", "grpc-status"];
const ALL = headerListBytes(decode(errorBlock(REPLY, Number.POSITIVE_INFINITY)));

test("a reply has its text and its details when the peer takes them", () => {
  const whole = headerBlockOf(decode(errorBlock(REPLY, ALL)));
  assert.deepEqual(Object.keys(whole), [...FIELDS, "grpc-message", "grpc-status-details-bin"]);
  assert.equal(decodeStatusText(String(whole["grpc-message"])), REPLY.text);
});

test("a reply that is more than the peer takes goes without its details, then without the end of its text", () => {
  const plain = headerBlockOf(decode(errorBlock(REPLY, ALL - 1)));
  assert.deepEqual(Object.keys(plain), [...FIELDS, "grpc-message"]);
  for (let most = ALL; most > 200; most -= 1) {
    const headers = decode(errorBlock(REPLY, most));
    assert.ok(headerListBytes(headers) <= most || headers.length === FIELDS.length * 2);
    const text = decodeStatusText(String(headerBlockOf(headers)["grpc-message"] ?? ""));
    assert.ok(REPLY.text.startsWith(text.replaceAll("\ufffd", "")), text);
  }
});

test("a status is told however little the peer takes", () => {
  for (const most of [0, 1, 100, 300]) {
    const headers = headerBlockOf(decode(errorBlock(REPLY, most)));
    assert.deepEqual([headers[":status"], headers["grpc-status"]], ["200", "14"]);
  }
});
