import assert from "node:assert/strict";
import { test } from "node:test";
import { GatheredHead } from "../../src/http1/own/gathered-head.ts";
import { head, LIMITS, Rig, whole } from "./rig.ts";

test("a silent peer, and one whose head does not come to its end, are answered 504 after their time", () => {
  for (const bytes of ["", "\r", "\r\n", "P", head().slice(0, -1)]) {
    const rig = new Rig();
    rig.pass(1_000);
    rig.send(bytes);
    rig.pass(9_999 - (bytes.trim() === "" ? 1_000 : 0)); // an empty line begins no request
    assert.equal(rig.output, "");
    rig.pass(1);
    assert.deepEqual([rig.statuses, rig.faults, rig.connection.done], [[504], ["head_timeout"], true]);
  }
});

test("bytes that trickle do not make the time of a head longer", () => {
  const rig = new Rig();
  const bytes = head([`X: ${"a".repeat(100)}`]);
  for (let i = 0; i < 9; i++) {
    rig.send(bytes[i] ?? "");
    rig.pass(1_000);
  }
  rig.send("/");
  rig.pass(1_000);
  assert.deepEqual([rig.statuses, rig.faults], [[504], ["head_timeout"]]);
});

test("a body that does not come to its end in its time is told to who reads it", () => {
  const rig = new Rig();
  rig.send(head(["Content-Length: 100"]));
  for (let i = 0; i < 59; i++) {
    rig.pass(1_000);
    rig.send("a");
  }
  assert.equal(rig.output, "");
  rig.pass(1_000);
  assert.deepEqual([rig.requests[0]?.end, rig.statuses, rig.faults], ["broken", [504], ["body_timeout"]]);
});

test("an idle connection is closed without a word, one with a request under way is not", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole(""));
  rig.pass(1_000_000);
  assert.equal(rig.connection.done, false);
  rig.answer(0);
  rig.pass(119_999);
  assert.equal(rig.connection.done, false);
  rig.pass(1);
  assert.deepEqual([rig.connection.done, rig.faults, rig.statuses], [true, [], [200]]);
});

test("a peer that does not read its replies is not read either, and is reset after the time of a body", () => {
  const rig = new Rig();
  rig.connection.setBlocked(true, rig.clock.nowMs());
  assert.equal(rig.connection.wantsBytes, false);
  rig.connection.setBlocked(true, rig.clock.nowMs());
  assert.equal(rig.pass(59_999), false);
  assert.equal(rig.pass(1), true);
  assert.deepEqual(rig.faults, ["stalled"]);
  const other = new Rig();
  other.connection.setBlocked(true, 0);
  other.connection.setBlocked(false, 0);
  assert.equal(other.connection.wantsBytes, true);
});

test("a peer that ends behind whole requests is told what has its reply within a second, and the rest is called off", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("a") + whole("b") + whole("c"));
  rig.answer(0);
  rig.end();
  assert.deepEqual([rig.statuses, rig.connection.done, rig.pass(999)], [[200], false, false]);
  rig.answer(1);
  assert.deepEqual([rig.statuses, rig.connection.done, rig.pass(1)], [[200, 200], false, true]);
  rig.connection.lost();
  assert.deepEqual(
    rig.requests.map(({ end }) => end),
    ["whole", "whole", "gone"],
  );
  assert.deepEqual(rig.faults, []);
});

test("a peer that ends behind whole requests has the last reply with the end of the connection", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("").repeat(LIMITS.maxRequests + 1));
  rig.end();
  for (let i = 0; i <= LIMITS.maxRequests; i++) rig.answer(i);
  assert.deepEqual([rig.statuses.length, rig.connection.done], [LIMITS.maxRequests + 1, true]);
  assert.deepEqual(rig.output.match(/Connection: close/gu)?.length, 1);
  assert.match(rig.output, /Connection: close\r\n(?:[^\r]+\r\n)*\r\n$/u);
});

test("a head that comes in pieces takes at most the room that one may have", () => {
  const most = LIMITS.maxHeadBytes + 1;
  const gathered = new GatheredHead();
  const before = gathered.append(Buffer.alloc(most - 2, "a"), 0, most);
  const all = gathered.append(Buffer.from("xbcd"), 1, most);
  assert.deepEqual([before.length, all.length, all.toString("latin1", most - 2)], [most - 2, most, "bc"]);
  assert.equal(all.buffer.byteLength, most);
});
