import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../fleet/directive.ts";
import { decodeBody } from "../fleet/messages.ts";
import type { LiveDirective } from "./directive-source.ts";
import { SharedReplies } from "./shared-replies.ts";

const DOCUMENT = { digest: digestOf("text"), text: "text" };

function newsOf(seq: number, remainingMs = 60_000): LiveDirective[] {
  const stored = { schema: 1, scope: "config", epoch: "1.5", seq, digest: digestOf("b"), body: "b" };
  return [{ directive: { ...stored, valid_for_ms: 60_000, written_at: "", by: "" }, remainingMs }];
}

test("answers that are the same are one object, also for calls that came in a little apart", () => {
  const replies = new SharedReplies();
  const one = replies.await(newsOf(1), 5_010, DOCUMENT);
  assert.equal(replies.await(newsOf(1), 5_990, DOCUMENT), one);
  assert.equal(one.directives[0]?.valid_for_ms, 65_000);
  assert.deepEqual(one.document, DOCUMENT);
});

test("answers that tell something else are others: of another time, decision or document", () => {
  const replies = new SharedReplies();
  const one = replies.await(newsOf(1), 5_000, undefined);
  const others = [
    replies.await(newsOf(1), 6_000, undefined),
    replies.await(newsOf(1, 58_000), 5_000, undefined),
    replies.await(newsOf(2), 5_000, undefined),
    replies.await(newsOf(1), 5_000, DOCUMENT),
    replies.await([...newsOf(1), ...newsOf(1)], 5_000, undefined),
  ];
  assert.equal(new Set([one, ...others]).size, 6);
  assert.equal("document" in one, false);
  for (let i = 0; i < 200; i++) replies.await(newsOf(i), 0, undefined);
  assert.equal(replies.await(newsOf(199), 0, undefined), replies.await(newsOf(199), 0, undefined));
});

test("what holds for a short time is told to the millisecond, and what is over as that", () => {
  const replies = new SharedReplies();
  const validFor = (remainingMs: number, heldMs: number): number | undefined =>
    replies.await(newsOf(1, remainingMs), heldMs, undefined).directives[0]?.valid_for_ms;
  assert.deepEqual([validFor(1_234.5, 0), validFor(9_000, 999.9), validFor(-5, 0)], [1_234, 9_999, 0]);
  assert.deepEqual([validFor(9_000, 1_000), validFor(119_999, 0)], [10_000, 119_000]);
});

test("a document that is fetched is written once, and let go after a minute", () => {
  const replies = new SharedReplies();
  const reply = replies.fetch("a", "the text", 0);
  assert.equal(Buffer.from(decodeBody(reply.body ?? "")).toString(), "the text");
  assert.equal(replies.fetch("a", "the text", 1_000), reply);
  replies.tick(59_999);
  assert.equal(replies.fetch("a", "the text", 59_999), reply);
  replies.tick(60_000);
  assert.notEqual(replies.fetch("a", "the text", 60_000), reply);
  assert.notEqual(replies.fetch("b", "another", 60_000).body, reply.body);
});
