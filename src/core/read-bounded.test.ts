import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readBounded, readBoundedLater } from "./read-bounded.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-read-"));
after(() => rmSync(folder, { recursive: true }));

const WAYS = [
  ["readBounded", async (path: string, maxBytes: number) => readBounded(path, maxBytes)],
  ["readBoundedLater", readBoundedLater],
] as const;

for (const [name, read] of WAYS) {
  test(`${name}: a file is read whole, up to what it may have`, async () => {
    const path = join(folder, name);
    const bytes = Buffer.alloc(200_000, "abc");
    writeFileSync(path, bytes);
    assert.deepEqual(await read(path, bytes.length), bytes);
    await assert.rejects(read(path, bytes.length - 1), /the file is larger than 199999B/u);
    writeFileSync(path, "");
    assert.equal((await read(path, 0)).length, 0);
    await assert.rejects(read(join(folder, "missing"), 10), /ENOENT/u);
  });

  test(`${name}: what has no end is read no further than it may be`, async () => {
    await assert.rejects(read("/dev/zero", 1_048_576), /the file is larger than 1MiB/u);
  });
}
