import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { EventRing } from "./event-ring.ts";
import { createLog } from "./log.ts";

test("events: the last 500 lines are kept, with ids that go on", () => {
  const ring = new EventRing();
  for (let i = 1; i <= 600; i++) ring.add(`{"n":${i}}`);
  const kept = ring.after(0);
  assert.deepEqual([kept.length, kept[0]?.id, kept.at(-1)?.id], [500, 101, 600]);
  assert.deepEqual(
    ring.after(598).map(({ json }) => json),
    ['{"n":599}', '{"n":600}'],
  );
  assert.deepEqual(ring.after(600), []);
});

test("events: long lines push out more of the old ones, so that all together have a bound", () => {
  const ring = new EventRing();
  for (let i = 0; i < 500; i++) ring.add("x".repeat(4_096));
  assert.equal(ring.after(0).length, 64);
});

test("events: who listens is told of each line, until it does not want to be", () => {
  const ring = new EventRing();
  const heard: number[] = [];
  const cancel = ring.listen(({ id }) => heard.push(id));
  ring.add("{}");
  ring.add("{}");
  cancel();
  ring.add("{}");
  assert.deepEqual(heard, [1, 2]);
});

test("events: lines from info on are kept whatever the level of the log is, redacted as there", () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock: new ManualClock(), write, level: "error", format: "text", colour: false });
  log.debug("no");
  log.info("yes", { token: "abc" });
  log.error("both");
  assert.equal(lines.length, 1);
  const kept = log.events.after(0).map(({ json }) => JSON.parse(json) as Record<string, unknown>); // oxlint-disable-line typescript/no-unsafe-type-assertion -- lines are objects
  assert.deepEqual(
    kept.map(({ msg, token }) => [msg, token]),
    [
      ["yes", "[redacted]"],
      ["both", undefined],
    ],
  );
});
