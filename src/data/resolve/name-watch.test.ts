import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedResolver } from "../../../test/support/scripted-resolver.ts";
import { NameWatch } from "./name-watch.ts";
import type { Answer } from "./resolver.ts";

function watch(chance: number) {
  const clock = new ManualClock();
  const resolver = new ScriptedResolver();
  const told: Answer[] = [];
  const name = new NameWatch("tempo.local", { clock, resolver, random: { next: () => chance } }, (answer) =>
    told.push(answer),
  );
  /** Milliseconds until it is asked again. */
  const nextMs = (): number => {
    const fromMs = clock.nowMs();
    while (resolver.pending === 0) clock.advance(1);
    return clock.nowMs() - fromMs;
  };
  return { clock, resolver, told, name, nextMs };
}

const cases: { name: string; ttlMs: number | undefined; wantMs: number }[] = [
  { name: "as its TTL says", ttlMs: 7_000, wantMs: 7_000 },
  { name: "every 30 s at the latest", ttlMs: 3_600_000, wantMs: 30_000 },
  { name: "every second at most", ttlMs: 0, wantMs: 1_000 },
  { name: "every 10 s where nobody tells a TTL", ttlMs: undefined, wantMs: 10_000 },
];
for (const { name, ttlMs, wantMs } of cases) {
  test(`a name is asked for again ${name}, less up to a fifth by chance`, () => {
    const latest = watch(1);
    latest.resolver.find(["10.0.0.1"], ttlMs);
    assert.equal(latest.nextMs(), wantMs);
    const earliest = watch(0);
    earliest.resolver.find(["10.0.0.1"], ttlMs);
    assert.equal(earliest.nextMs(), Math.max(1_000, 0.8 * wantMs));
    assert.deepEqual(earliest.resolver.asked, ["tempo.local", "tempo.local"]);
  });
}

test("a failure is told, and asked again after 5 s; an answer that never comes is waited for", () => {
  const { clock, resolver, told, nextMs } = watch(1);
  clock.advance(600_000);
  assert.equal(resolver.asked.length, 1);
  resolver.fail("EAI_AGAIN");
  assert.deepEqual(told, [{ kind: "failed", reason: "EAI_AGAIN" }]);
  assert.equal(nextMs(), 5_000);
});

test("a watch that is closed asks nothing, and is told nothing", () => {
  const { clock, resolver, told, name } = watch(1);
  resolver.find(["10.0.0.1"], 1_000);
  name.close();
  clock.advance(60_000);
  assert.deepEqual([resolver.asked.length, resolver.pending, clock.pending], [1, 0, 0]);
  assert.equal(told.length, 1);
});
