import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RouterError } from "../../core/errors.ts";
import { systemRandom } from "../../core/random.ts";
import { HISTORY } from "./facts.ts";
import { listAtOnce, listInTurns } from "./listing.ts";
import { StoreFile } from "./store-file.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-listing-"));
after(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, entries: number, bytes: number): StoreFile {
  const file = new StoreFile(join(folder, name), new ManualClock(), HISTORY);
  const value = new Uint8Array(bytes);
  const all = Array.from({ length: entries }, (_, i) => {
    return { key: `/k/${String(i).padStart(5, "0")}`, value, session: undefined };
  });
  file.write(({ writer }) => writer.write(all, [], 0));
  return file;
}

test("lists that are long, or large, take several turns; else one", async () => {
  using long = fileWith("long.sqlite", 5_000, 1);
  using large = fileWith("large.sqlite", 100, 200_000);
  const { signal } = new AbortController();
  for (const [file, entries] of [
    [long, 5_000],
    [large, 100],
  ] as const) {
    assert.equal(listAtOnce(file, { prefix: "/k/" }), undefined);
    const clock = new ManualClock();
    const listing = await listInTurns(file, { prefix: "/k/" }, { signal }, { clock, random: systemRandom });
    assert.deepEqual([listing.entries.length, listing.hasMore, listing.revision], [entries, false, 1n]);
    const some = await listInTurns(
      file,
      { prefix: "/k/", limit: entries - 1 },
      { signal },
      { clock, random: systemRandom },
    );
    assert.deepEqual([some.entries.length, some.hasMore], [entries - 1, true]);
    assert.equal(listAtOnce(file, { prefix: "/k/", limit: 10 })?.entries.length, 10);
  }
});

test("lists that take several turns end at their deadline, and with their signal", async () => {
  using file = fileWith("ended.sqlite", 5_000, 1);
  const clock = new ManualClock();
  const leaving = new AbortController();
  const late = listInTurns(
    file,
    { prefix: "/k/" },
    { signal: leaving.signal, deadlineMs: 100 },
    { clock, random: systemRandom },
  );
  clock.advance(100);
  await assert.rejects(late, (cause) => cause instanceof RouterError && cause.code === "STORE_UNREACHABLE");
  const left = listInTurns(file, { prefix: "/k/" }, { signal: leaving.signal }, { clock, random: systemRandom });
  const reason = new Error("no longer wanted");
  leaving.abort(reason);
  await assert.rejects(left, reason);
});
