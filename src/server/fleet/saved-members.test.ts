import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { openSavedMembers } from "./saved-members.ts";

function found(ids: string, utilization = 0) {
  return [{ of: "k", members: ids.split("").map((id) => ({ id, address: `${id}:1`, utilization })) }];
}

test("members are kept over a restart, are written only when others are there, and each 10 s at most", async () => {
  const directory = await mkdtemp(join(tmpdir(), "members-"));
  const file = join(directory, "members.json");
  const clock = new ManualClock();
  const env = { clock, log: recordedLog(clock) };
  {
    await using kept = await openSavedMembers(file, env);
    assert.deepEqual(kept.first, []);
    kept.keep(found("a"));
    clock.advance(0);
    kept.keep(found("ab", 0.5));
    assert.equal(clock.pending, 1);
    kept.keep(found("abc", 0.7));
    assert.equal(clock.pending, 1);
  }
  assert.equal(clock.pending, 0);
  await using again = await openSavedMembers(file, env);
  assert.deepEqual(again.first, found("abc"));
  again.keep(found("abc", 0.9));
  assert.equal(clock.pending, 0);
  await writeFile(file, '[{"of":1}]');
  await using damaged = await openSavedMembers(file, env);
  assert.deepEqual(damaged.first, []);
  assert.ok((await readFile(file, "utf8")).length > 0);
  await rm(directory, { recursive: true });
});

test("a directory that cannot be written is told, and stops nothing", async () => {
  const clock = new ManualClock();
  const log = recordedLog(clock);
  const directory = await mkdtemp(join(tmpdir(), "members-"));
  await writeFile(join(directory, "file"), "");
  {
    await using kept = await openSavedMembers(join(directory, "file", "members.json"), { clock, log });
    kept.keep(found("a"));
  }
  assert.equal(log.lines.length, 1);
  await rm(directory, { recursive: true });
});
