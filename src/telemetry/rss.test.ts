import assert from "node:assert/strict";
import { test } from "node:test";
import { createRssReader } from "./rss.ts";

test("RSS that cannot be read is what it was before", () => {
  const answers = [1_000, undefined, 2_000];
  const read = createRssReader(() => {
    const bytes = answers.shift();
    if (bytes === undefined) throw new Error("EMFILE: too many open files, uv_resident_set_memory");
    return bytes;
  });
  assert.deepEqual([read(), read(), read()], [1_000, 1_000, 2_000]);
  assert.ok(createRssReader()() > 1_000_000);
});
