import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TurnEnd, turnEnd } from "./turn-end.ts";

test("at the end of a turn work comes first, and what it gives to write is written in the same turn", async () => {
  const done: string[] = [];
  const connection = { flush: () => void done.push("written") };
  turnEnd.flush({ flush: () => void done.push("reply written") });
  turnEnd.schedule(() => {
    done.push("work");
    turnEnd.flush(connection);
    turnEnd.schedule(() => void done.push("work of the next turn"));
  });
  assert.deepEqual(done, []);
  await nextTurn();
  assert.deepEqual(done, ["work", "reply written", "written"]);
  await nextTurn();
  assert.deepEqual(done.slice(3), ["work of the next turn"]);
});

test("what was read and not handed on goes before all work, and the work that it gives is of the same turn", async () => {
  const done: string[] = [];
  turnEnd.schedule(() => void done.push("work"));
  turnEnd.read({
    flush: () => {
      done.push("read");
      turnEnd.schedule(() => void done.push("work of what was read"));
      turnEnd.flush({ flush: () => void done.push("written") });
    },
  });
  await nextTurn();
  assert.deepEqual(done, ["read", "work", "work of what was read", "written"]);
});

test("what throws ends nothing else that waits for the end of the turn", () => {
  const ends: (() => void)[] = [];
  const done: string[] = [];
  const turn = new TurnEnd((run) => void ends.push(run));
  const fails = (what: string) => (): void => {
    throw new Error(what);
  };
  turn.schedule(fails("work"));
  turn.schedule(() => void done.push("other work"));
  turn.flush({ flush: fails("a write") });
  turn.read({ flush: fails("a read") });
  turn.read({ flush: () => void done.push("read") });
  turn.flush({ flush: () => void done.push("written") });
  for (const what of ["a read", "work", "a write"]) assert.throws(() => ends.shift()!(), new Error(what));
  assert.deepEqual(done, ["read", "other work"]);
  ends.shift()!();
  assert.deepEqual([done, ends.length], [["read", "other work", "written"], 0]);
});
