import assert from "node:assert/strict";
import { test } from "node:test";
import { changeReply, parseIfMatch } from "./reply.ts";

const cases: [string | undefined, readonly number[] | undefined | "refused"][] = [
  [undefined, undefined],
  ["*", undefined],
  ['"5"', [5]],
  ["5", [5]],
  ['"4", "5"', [4, 5]],
  ['W/"5"', []],
  ['"abc"', "refused"],
  ['"5", "abc"', "refused"],
  ['W/"abc"', "refused"],
  ["abc", "refused"],
  ['"5', "refused"],
  ["", "refused"],
];
for (const [header, want] of cases) {
  test(`If-Match: ${header ?? "none"}`, () => {
    const parsed = parseIfMatch(header);
    assert.deepEqual(parsed.ok ? parsed.guard : "refused", want);
  });
}

test("a change that a dying worker interrupts is to be made again; one that fails is no document", () => {
  const failed = { kind: "failed", reason: "a worker ended before it answered" } as const;
  const again = changeReply({ ...failed, passing: true }, "target");
  assert.deepEqual([again.status, again.headers?.["retry-after"]], [503, "1"]);
  assert.equal(changeReply(failed, "target").status, 422);
});
