import assert from "node:assert/strict";
import { test } from "node:test";
import { isInUrl, ownKey, urlPrefix, wireKey } from "./consul-keys.ts";

const PREFIXES = [
  ["/", "/"],
  ["/a", "/a"],
  ["/a/b/", "/a/b/"],
  ["/a/.b..c/", "/a/.b..c/"],
  ["/a/.", "/a/"],
  ["/a/./b/", "/a/"],
  ["/a/b/../c", "/a/b/"],
  ["/a//b", "/a/"],
  ["//a", "/"],
  ["/..", "/"],
] as const;
for (const [prefix, want] of PREFIXES) {
  test(`consul keys: ${prefix} is listed as ${want}`, () => {
    assert.equal(urlPrefix(prefix), want);
    assert.equal(isInUrl(prefix), prefix === want);
    assert.equal(ownKey(wireKey(prefix)), prefix);
  });
}
