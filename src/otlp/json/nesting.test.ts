import assert from "node:assert/strict";
import { test } from "node:test";
import { transcode } from "./transcode.ts";

for (const [name, text] of [
  ["arrays", "[".repeat(5_000_000)],
  ["objects", `{"a":`.repeat(1_000_000)],
  ["arrays with a number that needs its text", `${"[".repeat(100_000)}12345678901234567890${"]".repeat(100_000)}`],
] as const) {
  test(`transcode: very deep ${name} are refused before they are parsed`, () => {
    assert.deepEqual(transcode("logs", new TextEncoder().encode(text)), {
      ok: false,
      path: "",
      message: "the body is nested deeper than 500 levels",
    });
  });
}
