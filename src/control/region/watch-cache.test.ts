import assert from "node:assert/strict";
import test from "node:test";
import type { Moment } from "../../store/session/moment.ts";
import type { Entry, WatchEvent } from "../../store/store.ts";
import { ageMs, WatchCache, type WatchCacheOptions } from "./watch-cache.ts";

const OPTIONS: WatchCacheOptions<number> = {
  read: ({ value }) => {
    const number = Number(Buffer.from(value).toString());
    return Number.isNaN(number) ? undefined : number;
  },
  step: (known, next) => next - known,
  most: 3,
  startedAt: { machineMs: 0, wallMs: 0 },
};

/** Texts of one digit: the higher one is newer. */
class Rig {
  nowMs = 0;
  wallAheadMs = 0;
  readonly cache: WatchCache<number>;

  constructor(givesUp?: WatchCacheOptions<number>["givesUp"]) {
    this.cache = new WatchCache<number>({ ...OPTIONS, givesUp });
  }

  get now(): Moment {
    return { machineMs: this.nowMs, wallMs: this.nowMs + this.wallAheadMs };
  }

  /** Seconds go by, as whoever watches lives through them. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left--) {
      this.nowMs += 1_000;
      this.cache.tick(this.now);
    }
  }

  see(kind: "snapshot" | "changes" | "resync", ...texts: readonly string[]): readonly number[] {
    const entries = texts.map(entryOf);
    const more = { revision: 1n, puts: entries, deletes: [], why: "compacted" } as const;
    const event: WatchEvent =
      kind === "snapshot"
        ? { kind, entries, revision: 1n }
        : kind === "changes"
          ? { ...more, kind }
          : { ...more, kind };
    return this.cache.see(event);
  }

  synced(): void {
    this.cache.see({ kind: "synced", revision: 1n });
  }

  lost(): void {
    this.cache.see({ kind: "lost", reason: "cut off" });
  }

  /** Of the only one. */
  ageMs(): number | undefined {
    return ageMs(this.cache.all[0]!, this.now);
  }
}

function entryOf(text: string, at = 0): Entry {
  return { key: `/k${at}`, value: Buffer.from(text), created: 1n, modified: 1n, session: undefined };
}

test("what was there when the watch began has no age until it has been seen to advance", () => {
  const rig = new Rig();
  rig.see("snapshot", "4");
  rig.synced();
  rig.pass(30);
  assert.equal(rig.ageMs(), undefined);
  rig.see("changes", "4");
  assert.equal(rig.ageMs(), undefined);
  rig.see("changes", "5");
  assert.ok((rig.ageMs() ?? Infinity) <= 2_000);
  rig.pass(10);
  assert.ok((rig.ageMs() ?? 0) >= 10_000 && (rig.ageMs() ?? Infinity) <= 12_000);
});

test("what was written after the watch got through is no older than the watch", () => {
  const rig = new Rig();
  rig.see("snapshot");
  rig.synced();
  rig.see("changes", "1");
  rig.nowMs = 700;
  assert.equal(rig.ageMs(), 700);
});

test("what came while the store was away is as old as that was", () => {
  const rig = new Rig();
  rig.see("snapshot", "1");
  rig.synced();
  rig.pass(10);
  rig.lost();
  rig.pass(60);
  rig.see("changes", "2");
  rig.synced();
  assert.ok((rig.ageMs() ?? 0) >= 60_000);
  rig.pass(5);
  rig.see("changes", "3");
  assert.ok((rig.ageMs() ?? Infinity) <= 2_000);
});

test("what was read after the process stood still may be as old as that was", () => {
  const rig = new Rig();
  rig.see("snapshot", "1");
  rig.synced();
  rig.pass(10);
  // Stopped for 30 s: its timers run first, then it reads.
  rig.nowMs += 30_000;
  rig.cache.tick(rig.now);
  rig.see("changes", "2");
  assert.ok((rig.ageMs() ?? 0) >= 30_000);
});

test("where one is given up for it, more than so many are taken in", () => {
  const rig = new Rig((all) => [...all].find(([, { value }]) => value < 3)?.[0]);
  assert.deepEqual(rig.see("snapshot", "1", "2", "3"), [1, 2, 3]);
  assert.deepEqual(rig.see("changes", "1", "2", "3", "4"), [4]);
  assert.deepEqual(
    rig.cache.all.map(({ value }) => value),
    [2, 3, 4],
  );
});

test("the age is that of the clock that says more", () => {
  const rig = new Rig();
  rig.see("snapshot");
  rig.synced();
  rig.see("changes", "1");
  rig.wallAheadMs = 3_600_000;
  assert.equal(rig.ageMs(), 3_600_000);
});

test("what is older than what is known, or is nothing of the kind, or is too much, is ignored", () => {
  const rig = new Rig();
  assert.deepEqual(rig.see("snapshot", "5"), [5]);
  assert.deepEqual(rig.see("resync", "4"), []);
  assert.deepEqual(rig.see("changes", "x"), []);
  assert.deepEqual(rig.see("changes", "5", "1", "2", "3"), [1, 2]);
  assert.equal(rig.cache.ignored, 3);
  assert.deepEqual(
    rig.cache.all.map(({ value }) => value),
    [5, 1, 2],
  );
});
