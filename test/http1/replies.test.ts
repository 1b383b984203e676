import assert from "node:assert/strict";
import { test } from "node:test";
import { readReplyHead } from "../../src/data/export/http-answer.ts";
import type { ReplyHead } from "../../src/http1/client/contract.ts";
import { KnownHeads } from "../../src/http1/own/known-head.ts";
import { ReplyRig } from "./reply-rig.ts";
import { CUT_OFF, REFUSED, replyOf, TAKEN } from "./reply-tricks.ts";

const PIECES = [Infinity, 1, 7];
/** What somebody would have taken for the reply to the next request. */
const HIDDEN = replyOf(["Content-Length: 6"], "hidden", "HTTP/1.1 201 Hidden");
const NEXT = replyOf(["Content-Length: 4"], "next");

for (const { name, bytes, body, status = 200, last, untilEnd } of TAKEN) {
  test(`reply taken: ${name}`, () => {
    const heads = new KnownHeads<ReplyHead>();
    for (const pieceBytes of [...PIECES, ...PIECES]) {
      const rig = new ReplyRig(heads).reply(bytes, pieceBytes);
      if (untilEnd === true) rig.finish();
      const [one, ...others] = rig.replies;
      assert.deepEqual([rig.fault, others.length], [undefined, 0]);
      const end = last === true || untilEnd === true ? "last" : "whole";
      assert.deepEqual([one?.head.status, one?.body, one?.end], [status, body, end]);
      if (end === "last") continue;
      rig.reply(NEXT, pieceBytes);
      assert.deepEqual([rig.replies[1]?.body, rig.replies[1]?.end], ["next", "whole"]);
    }
  });
}

for (const { name, bytes, fault, status } of REFUSED) {
  test(`reply refused: ${name}`, () => {
    for (const pieceBytes of PIECES) {
      const rig = new ReplyRig().reply(`${bytes}${HIDDEN}`, pieceBytes).say(HIDDEN);
      assert.equal(rig.fault, fault);
      assert.ok(rig.message.length > 0);
      assert.ok(rig.replies.length <= 1 && rig.replies.every(({ end }) => end === "open"));
      const told = rig.refused === undefined ? undefined : readReplyHead(Buffer.from(rig.refused, "latin1"));
      // Read byte by byte, a head is refused before the rest of it has come.
      assert.equal(rig.replies[0]?.head.status ?? told?.status, status);
    }
  });
}

for (const [where, bytes] of Object.entries(CUT_OFF)) {
  test(`a reply that ends ${where} is none`, () => {
    for (const pieceBytes of PIECES) {
      const rig = new ReplyRig().reply(bytes, pieceBytes).finish();
      assert.equal(rig.fault, "cut_off");
      assert.ok(rig.replies.every(({ end }) => end === "open"));
    }
  });
}

test("what is behind a reply is nobody's, and the connection is not used again", () => {
  for (const surplus of ["x", "\r\n", HIDDEN]) {
    for (const first of [
      NEXT,
      replyOf(["Transfer-Encoding: chunked"], "0\r\n\r\n"),
      replyOf([], "", "HTTP/1.1 204 No"),
    ]) {
      const rig = new ReplyRig().reply(`${first}${surplus}`);
      assert.deepEqual([rig.replies.length, rig.replies[0]?.end], [1, "last"]);
      const later = new ReplyRig().reply(first).say(surplus);
      assert.deepEqual([later.replies.length, later.replies[0]?.end, later.fault], [1, "whole", "unasked"]);
    }
  }
});

test("an answer that nobody asked for is not taken for that of the first request", () => {
  const rig = new ReplyRig().say(HIDDEN);
  assert.deepEqual([rig.replies.length, rig.fault], [0, "unasked"]);
});

test("a peer that ends without a word, or between two replies, broke no rule", () => {
  assert.equal(new ReplyRig().finish().fault, undefined);
  assert.equal(new ReplyRig().reply("").finish().fault, undefined);
  assert.equal(new ReplyRig().reply(NEXT).finish().fault, undefined);
});

test("heads: names in lower case, values without blanks about them, what is repeated as a list", () => {
  const lines = [
    "X-A: 1",
    "x-a:\t 2 ",
    "__proto__: 3",
    "Constructor:",
    "Keep-Alive: max=9, timeout=5",
    "Content-Length: 0",
  ];
  const [one] = new ReplyRig().reply(replyOf(lines)).replies;
  assert.deepEqual(Object.entries(one!.head.headers), [
    ["x-a", ["1", "2"]],
    ["__proto__", "3"],
    ["constructor", ""],
    ["keep-alive", "max=9, timeout=5"],
    ["content-length", "0"],
  ]);
  assert.equal(one!.head.keptMs, 5_000);
  assert.equal(one!.head.headers["tostring"] ?? one!.head.headers["toString"], undefined);
});

test("a head as the one before is compared: the same object, with the length of its own", () => {
  const heads = new KnownHeads<ReplyHead>();
  const lengths = ["0", "3", "10", "007"];
  const seen = lengths.map((length) => {
    const body = "x".repeat(Number(length));
    const rig = new ReplyRig(heads).reply(replyOf([`Content-Length: ${length}`, "X: y"], body));
    assert.deepEqual([rig.replies[0]?.body, rig.replies[0]?.end], [body, "whole"]);
    return rig.replies[0]!.head;
  });
  assert.equal(new Set(seen).size, 1);
  for (const differs of [["Content-Length: ", "X: y"], ["Content-Length: 3", "X: z"], ["X: y"]]) {
    const rig = new ReplyRig(heads).reply(replyOf(differs, "abc"));
    assert.ok(rig.fault !== undefined || rig.replies[0]!.head !== seen[0]);
  }
  // Of 204 the digits say nothing: it must not teach that there are none.
  new ReplyRig(heads).reply(replyOf(["Content-Length: 3"], "", "HTTP/1.1 204 No"));
  assert.equal(
    new ReplyRig(heads).reply(replyOf(["Content-Length: 5"], "", "HTTP/1.1 204 No")).replies[0]?.end,
    "whole",
  );
});
