import assert from "node:assert/strict";
import { test } from "node:test";
import type { Moment } from "./moment.ts";
import { SessionCell } from "./session-cell.ts";

const at = (machineMs: number, wallMs = machineMs + 1_000_000): Moment => ({ machineMs, wallMs });

/** The holder's end and that of the thread that renews. */
function cells(): { readonly holder: SessionCell; readonly thread: SessionCell } {
  const holder = new SessionCell();
  return { holder, thread: new SessionCell(holder.memory) };
}

test("a session is valid until its deadline, by the clock that says less", () => {
  const { holder, thread } = cells();
  holder.beat(at(0));
  assert.equal(holder.validForMs(at(0), 9_000), 0);
  thread.extend(at(5_000));
  assert.equal(holder.validForMs(at(1_000), 9_000), 4_000);
  assert.equal(holder.validForMs(at(1_000, 1_000_000 + 4_999), 9_000), 1); // a machine that was suspended
  assert.equal(holder.validForMs(at(4_999, 0), 9_000), 1); // a wall clock that was set back
  assert.equal(holder.validForMs(at(5_000), 9_000), 0);
  assert.equal(holder.lossAt(at(5_000), 9_000), "unanswered");
});

test("a session is valid for no longer than a TTL after its holder's last beat", () => {
  const { holder, thread } = cells();
  holder.beat(at(0));
  thread.extend(at(50_000));
  assert.equal(holder.validForMs(at(8_000), 9_000), 1_000);
  assert.equal(holder.validForMs(at(9_000), 9_000), 0);
  assert.equal(holder.lossAt(at(9_000), 9_000), "stalled");
});

test("what is lost stays lost, whoever says so and whatever follows", () => {
  for (const by of ["holder", "thread"] as const) {
    const { holder, thread } = cells();
    holder.beat(at(0));
    thread.extend(at(5_000));
    assert({ holder, thread }[by].lose("ended"));
    thread.extend(at(6_000));
    holder.beat(at(1));
    assert(!thread.lose("unanswered"));
    assert.equal(holder.validForMs(at(2), 9_000), 0);
    assert.equal(holder.lossAt(at(2), 9_000), "ended");
  }
});

test("a session is given up for a loop that stands still only if it has not turned since", () => {
  const { holder, thread } = cells();
  holder.beat(at(0));
  thread.extend(at(5_000));
  const { pulse } = thread;
  holder.beat(at(1));
  assert(!thread.lose("stalled", pulse));
  holder.beat(at(2));
  assert(holder.validForMs(at(2), 9_000) > 0);
  assert(thread.lose("stalled", thread.pulse));
  holder.beat(at(3));
  assert.equal(holder.validForMs(at(3), 9_000), 0);
});

test("a deadline is never later than it was computed", () => {
  const { holder, thread } = cells();
  holder.beat(at(0));
  thread.extend({ machineMs: 5_000.000_9, wallMs: 9_999_999 });
  assert.equal(holder.validForMs({ machineMs: 5_000, wallMs: 0 }, 9_000), 0);
});
