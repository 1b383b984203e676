import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { hostDigest } from "./host-digest.ts";

test("processes of one machine have one digest, which says nothing of it, and others have another one", () => {
  const file = JSON.stringify(new URL("host-digest.ts", import.meta.url).href);
  const script = `const { hostDigest } = await import(${file}); process.stdout.write(hostDigest())`;
  const other = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
  assert.equal(other, hostDigest());
  assert.match(other, /^[0-9a-f]{16}$/u);
  assert.notEqual(
    hostDigest(() => "machine-1"),
    hostDigest(() => "machine-2"),
  );
});
