import assert from "node:assert/strict";
import { test } from "node:test";
import { encodingOf, firstOf, leastOf, mediaTypeOf, valuesOf } from "./repeated.ts";

test("a header that came twice is the same as a list and joined by commas", () => {
  for (const value of [["a", "b"], "a, b", "a,b", ["a,b"], " a ,b "]) {
    assert.deepEqual(valuesOf({ x: value }, "x"), ["a", "b"]);
    assert.equal(firstOf({ x: value }, "x"), "a");
  }
  assert.deepEqual(valuesOf({}, "x"), []);
  assert.equal(firstOf({ x: [] }, "x"), undefined);
});

test("a media type has no capitals and no parameters", () => {
  for (const type of ["Application/X-Protobuf", "application/x-protobuf; a=b", ["application/x-protobuf", "text/html"]])
    assert.equal(mediaTypeOf({ "content-type": type }), "application/x-protobuf");
  assert.equal(mediaTypeOf({}), "");
});

test("an encoding that is named twice is one; two are none that is known", () => {
  assert.equal(encodingOf({ e: ["GZIP", "gzip"] }, "e"), "gzip");
  assert.equal(encodingOf({ e: "gzip, br" }, "e"), "gzip, br");
  assert.equal(encodingOf({ e: "" }, "e"), "identity");
  assert.equal(encodingOf({}, "e"), "identity");
});

test("the least of several delays is that of those that can be read", () => {
  assert.equal(leastOf([undefined, 3, 2, undefined]), 2);
  assert.equal(leastOf([0, 3]), 0);
  assert.equal(leastOf([undefined]), undefined);
});
