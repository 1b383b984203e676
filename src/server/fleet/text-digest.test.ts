import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../control/fleet/directive.ts";
import { rememberDigest } from "./text-digest.ts";

test("the digest of a text is that of this text, also when another one came between", () => {
  const digest = rememberDigest();
  for (const text of ["a", "a", "b", "a", ""]) assert.equal(digest(text), digestOf(text));
});
