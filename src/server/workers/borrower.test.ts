import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { LimitUse, NodeLimit } from "../../data/node-limits/node-limit.ts";
import { Borrower } from "./borrower.ts";

/** A worker whose uses a test sets. */
class Rig {
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  changes = 0;
  uses: LimitUse[] = [];
  readonly borrower = new Borrower({
    clock: this.clock,
    send: (message) => {
      if (message.kind !== "uses") throw new TypeError(message.kind);
      for (const [limit, has, need] of message.reports) this.said.push(`${message.seq}: ${limit} ${has} ${need}`);
      if (message.all === true) this.said.push("that is all");
    },
  });

  begin(of = 2): this {
    this.borrower.begin({ index: 0, of }, []);
    this.borrower.attend({ limitUses: () => this.uses, limitsChanged: () => void this.changes++ });
    return this;
  }

  use(limit: NodeLimit, whole: number, used: number, wanted = 0): void {
    this.uses = [{ limit, whole, used, wanted }];
  }

  take(): string[] {
    return this.said.splice(0);
  }
}

test("borrower: what it would use beyond its part is said once, within 100 ms", () => {
  const rig = new Rig();
  rig.use("calls a", 16, 0);
  rig.begin();
  assert.deepEqual(rig.take(), ["0: calls a 8 0"]);
  rig.use("calls a", 16, 8, 3);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: calls a 8 11"]);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), []);
});

test("borrower: a smaller part holds at once, and what is still used of the other is said until it is not", () => {
  const rig = new Rig();
  rig.use("calls a", 16, 5);
  rig.begin();
  rig.take();
  rig.borrower.told(1, [["calls a", 2]]);
  assert.equal(rig.borrower.partOf("calls a", 16), 2);
  assert.deepEqual(rig.take(), ["1: calls a 5 5"]);
  rig.use("calls a", 16, 1);
  rig.clock.advance(100);
  assert.match(rig.take()[0] ?? "", /^1: calls a 2 /u);
  rig.use("calls a", 16, 3);
  rig.borrower.told(2, [["calls a", 1]]);
  rig.take();
  rig.use("calls a", 16, 1);
  rig.clock.advance(20);
  assert.match(rig.take()[0] ?? "", /^2: calls a 1 /u, "others wait for it: it is soon looked at again");
});

test("borrower: what it needed of late counts for some seconds, and then no more", () => {
  const rig = new Rig();
  rig.use("calls a", 16, 8);
  rig.begin();
  rig.use("calls a", 16, 0);
  rig.clock.advance(1_000);
  assert.ok(Number(rig.take().at(-1)?.split(" ").at(-1)) >= 4);
  rig.clock.advance(10_000);
  assert.equal(rig.take().at(-1), "0: calls a 8 0");
});

test("borrower: of what is refused and does not wait, some is kept for what may come, and more is asked for before it is full", () => {
  const rig = new Rig();
  rig.use("queue p", 6_400, 0);
  rig.begin(4);
  assert.deepEqual(rig.take(), ["0: queue p 1600 200"]);
  rig.use("queue p", 6_400, 1_400);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: queue p 1600 1800"]);
  rig.use("queue p", 6_400, 1_400, 900);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: queue p 1600 2900"]);
});

test("borrower: what was told before there was a data plane holds, and what another plan has no more is forgotten", () => {
  const rig = new Rig();
  rig.use("calls a", 16, 0);
  rig.borrower.begin({ index: 1, of: 2 }, [["calls a", 3]]);
  rig.borrower.told(1, [["calls b", 5]]);
  rig.borrower.attend({ limitUses: () => rig.uses, limitsChanged: () => void rig.changes++ });
  assert.equal(rig.changes, 1);
  assert.deepEqual(rig.take(), ["1: calls a 3 0"]);
  rig.use("calls b", 16, 0);
  rig.borrower.planChanged();
  assert.deepEqual([rig.borrower.partOf("calls a", 16), rig.borrower.partOf("calls b", 16)], [8, 5]);
});

test("borrower: what it has in all is said when the plan has changed, and when something that was gone from it has ended", () => {
  const rig = new Rig();
  const calls = (id: string): LimitUse => ({ limit: `calls ${id}`, whole: 16, used: 0, wanted: 0 });
  rig.uses = [calls("a"), calls("b"), calls("c")];
  rig.begin();
  rig.take();
  rig.uses = [calls("a"), calls("b")]; // a pool that is gone still sends to one of them
  rig.borrower.planChanged();
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: calls a 8 0", "0: calls b 8 0", "that is all"]);
  rig.clock.advance(1_000);
  assert.deepEqual(rig.take(), []);
  rig.uses = [calls("a")];
  rig.borrower.told(1, [["calls b", 3]]);
  assert.deepEqual(rig.take(), ["1: calls a 8 0", "that is all"]);
  rig.clock.advance(1_000);
  assert.deepEqual(rig.take(), []);
});

test("borrower: who is alone has all, and says nothing", () => {
  const rig = new Rig();
  rig.use("calls a", 16, 16, 5);
  rig.begin(1);
  rig.clock.advance(1_000);
  assert.deepEqual([rig.take(), rig.borrower.partOf("calls a", 16), rig.clock.pending], [[], 16, 0]);
});

test("borrower: retries in a burst are what the reserve is for; more are asked for when it is used up, and half of a part stays", () => {
  const rig = new Rig();
  rig.use("retries p", 10, 0);
  rig.begin();
  assert.deepEqual(rig.take(), ["0: retries p 5 2"]);
  rig.use("retries p", 10, 80);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: retries p 5 5"]);
  rig.use("retries p", 10, 80, 3);
  rig.clock.advance(100);
  assert.deepEqual(rig.take(), ["0: retries p 5 8"]);
});
