import assert from "node:assert/strict";
import { test } from "node:test";
import { sharing } from "./sharing.ts";

test("values that say the same become the first of them, and no others do", () => {
  const shared = sharing();
  const first = { kind: "a", of: [1, "1", null] };
  assert.equal(shared(first), first);
  assert.equal(shared(structuredClone(first)), first);
  const other = { kind: "a", of: ["1", 1, null] };
  assert.equal(shared(other), other);
  assert.equal(shared(undefined), undefined);
});
