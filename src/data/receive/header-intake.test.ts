import assert from "node:assert/strict";
import { test } from "node:test";
import { headersOf } from "../../plan/sender-headers.ts";
import { HeaderIntake } from "./header-intake.ts";

const PLAN = {
  read: ["authorization", "x-scope-orgid", "x-tier"],
  plain: ["x-scope-orgid", "x-tier"],
  trusted: new Set(["trusted"]),
  linkKeys: [],
};

function take(values: Readonly<Record<string, string>>) {
  const taken = new HeaderIntake(PLAN).take(headersOf(values));
  return "reason" in taken ? taken : taken.all.key;
}

test("header intake: names have no case, and what nobody asks about is left", () => {
  const got = take({ "X-Scope-OrgID": "a", "X-TIER": "gold", "x-other": "b" });
  assert.equal(got, "x-scope-orgid=a\nx-tier=gold");
});

test("header intake: a header that is empty is there, and one that is missing is not", () => {
  assert.equal(take({ "x-tier": "" }), "x-tier=");
  assert.equal(take({}), "");
});

test("header intake: a value of 256 bytes is taken, a longer one refuses the request, without being repeated", () => {
  assert.equal(take({ "x-tier": "a".repeat(256) }), `x-tier=${"a".repeat(256)}`);
  const message = "the header x-tier has 257 bytes, and the limit is 256";
  assert.deepEqual(take({ "x-tier": "a".repeat(257) }), { reason: "bad_data", message, field: "headers.x-tier" });
});

test("header intake: what is not printable ASCII refuses the request, without being repeated", () => {
  const message = "the header x-scope-orgid has characters other than printable ASCII";
  for (const value of ["a\tb", "a\u007f", "\u00e4", "a\nx-tier: gold", "\u0000"]) {
    assert.deepEqual(take({ "x-scope-orgid": value }), { reason: "bad_data", message, field: "headers.x-scope-orgid" });
  }
});

test("header intake: credentials go along only into pools that need them", () => {
  const intake = new HeaderIntake(PLAN);
  const taken = intake.take(headersOf({ authorization: "Bearer s3cret", "x-tier": "gold" }));
  assert.ok(!("reason" in taken));
  assert.equal(intake.carriedInto("trusted", taken).key, "authorization=Bearer s3cret\nx-tier=gold");
  assert.equal(intake.carriedInto("other", taken).key, "x-tier=gold");
});

test("header intake: requests with the same values share what is kept of them; others never", () => {
  const intake = new HeaderIntake(PLAN);
  const a = intake.take(headersOf({ "x-scope-orgid": "a" }));
  assert.equal(intake.take(headersOf({ "X-Scope-OrgID": "a" })), a);
  assert.notEqual(intake.take(headersOf({ "x-tier": "a" })), a);
  assert.notEqual(intake.take(headersOf({ "x-scope-orgid": "a", "x-tier": "a" })), a);
});
