import assert from "node:assert/strict";
import { test } from "node:test";
import { targetView } from "../../src/admin/views.ts";
import { targetStatus } from "../../src/data/status.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { ACCEPTED, ends, failing, PoolRig, targetPlan } from "./pool-rig.ts";

const A = "10.0.0.1";
const B = "10.0.0.2";
const C = "10.0.0.3";

function named(more: Partial<TargetPlan> = {}): TargetPlan {
  return targetPlan("t", { resolve: "auto", ...more });
}

function rigOn(addresses: readonly string[], more: Partial<TargetPlan> = {}): PoolRig {
  const rig = new PoolRig([named(more)]);
  if (addresses.length > 0) answer(rig, addresses);
  return rig;
}

function answer(rig: PoolRig, addresses: readonly string[]): void {
  rig.resolver.find(addresses, 30_000);
  rig.turn();
}

/** Asked again, and told so; three times without an address, and it is gone. */
function later(rig: PoolRig, addresses: readonly string[], times = 1): void {
  for (let i = 0; i < times; i++) {
    rig.pass(30_000);
    answer(rig, addresses);
  }
}

/** Where so many batches, one after the other, go when each is answered at once. */
function shares(rig: PoolRig, count: number): Record<string, number> {
  const got: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    rig.offer();
    const { target } = rig.calls[0]!;
    got[target] = (got[target] ?? 0) + 1;
    rig.answer();
  }
  return got;
}

const states = (rig: PoolRig): string =>
  rig
    .target("t")
    .parts!.all.map((part) => `${part.plan.address ?? "name"} ${part.health().state}`)
    .join(", ");

test("before the first answer, and while there is one address, the name is dialled", () => {
  const rig = rigOn([]);
  assert.deepEqual(shares(rig, 2), { t: 2 });
  answer(rig, [A]);
  assert.deepEqual(shares(rig, 2), { t: 2 });
});

test("several private addresses share what comes, in turn; public ones are left to the name", () => {
  assert.deepEqual(shares(rigOn([A, B, C]), 6), { [`t@${A}`]: 2, [`t@${B}`]: 2, [`t@${C}`]: 2 });
  assert.deepEqual(shares(rigOn(["192.0.2.1", "192.0.2.2"]), 3), { t: 3 });
  const all = rigOn(["192.0.2.1", "192.0.2.2"], { resolve: "all" });
  assert.deepEqual(shares(all, 2), { "t@192.0.2.1": 1, "t@192.0.2.2": 1 });
});

test("the one with the fewest calls under way is next", () => {
  const rig = rigOn([A, B]);
  rig.offer();
  rig.offer();
  rig.offer();
  const [first, second] = rig.calls.map(({ target }) => target);
  assert.notEqual(first, second);
  rig.answer(ACCEPTED, first);
  rig.answer(ACCEPTED, first);
  rig.offer();
  assert.equal(rig.underWay.split(" ").at(-1)?.startsWith(first!), true);
});

test("max_in_flight is the name's: all addresses together have no more, and each keeps a window of its own", () => {
  const rig = rigOn([A, B], { maxInFlight: 3 });
  for (let i = 0; i < 5; i++) rig.offer();
  assert.equal(rig.calls.length, 3);
  rig.answer();
  assert.equal(rig.calls.length, 3);
  const wide = rigOn([A, B]);
  for (let i = 0; i < 20; i++) wide.offer();
  assert.equal(wide.calls.length, 8); // each begins with 4
});

test("an address that is out gets nothing, the name stays usable; it comes back by a probe of one parcel", () => {
  const rig = rigOn([A, B]);
  for (let i = 0; i < 5; i++) {
    rig.offer();
    while (rig.calls[0]?.target !== `t@${A}`) {
      rig.answerAll();
      rig.offer();
    }
    rig.answer(failing("unavailable"));
    rig.answerAll();
    rig.pass(200);
    rig.answerAll();
  }
  assert.equal(states(rig), `${A} ejected, ${B} ready`);
  assert.equal(rig.target("t").health().state, "ready");
  assert.deepEqual(shares(rig, 4), { [`t@${B}`]: 4 });
  rig.pass(30_000);
  rig.give();
  rig.give();
  rig.turn();
  assert.deepEqual(
    rig.calls.map(({ target, batch }) => `${target} ${batch.items}`),
    [`t@${A} 1`, `t@${B} 1`],
  );
  rig.answer(ACCEPTED, `t@${A}`);
  assert.equal(states(rig), `${A} ready, ${B} ready`);
  assert.ok(rig.offered.every((one) => one.outcomes.length <= 1));
});

test("a batch that found nobody at its address goes to another address at once, without waiting and without a budget", () => {
  const rig = rigOn([A, B, C]);
  const offered = rig.offer();
  const seen = new Set<string>();
  for (let i = 0; i < 2; i++) {
    seen.add(rig.calls[0]!.target);
    rig.answer(failing("connect"));
  }
  seen.add(rig.calls[0]!.target);
  assert.equal(seen.size, 3);
  rig.answer();
  assert.equal(ends(offered), "delivered");
});

test("a batch that failed at an address is tried again at another one", () => {
  const rig = rigOn([A, B]);
  const offered = rig.offer();
  const first = rig.calls[0]!.target;
  rig.answer(failing("unavailable"));
  rig.pass(200);
  assert.notEqual(rig.calls[0]!.target, first);
  rig.answer();
  assert.equal(ends(offered), "delivered");
});

test("when all addresses are out, the target is; one that listens again brings it back", () => {
  const rig = rigOn([A, B]);
  const target = rig.target("t");
  for (let i = 0; target.usable(rig.clock.nowMs()) && i < 100; i++) {
    rig.offer();
    rig.answerAll(failing("connect"));
    rig.pass(10);
  }
  assert.equal(states(rig), `${A} ejected, ${B} ejected`);
  assert.equal(target.health().state, "ejected");
  assert.ok(target.nextTryMs() !== undefined);
  rig.pass(31_000);
  rig.answerAll();
  assert.ok(target.usable(rig.clock.nowMs()));
});

test("drain is the name's, also for an address that comes later; ready ends it for all", () => {
  const rig = rigOn([A, B]);
  const target = rig.target("t");
  target.operate({ state: "drain", untilMs: undefined, note: "n" });
  later(rig, [A, B, C]);
  assert.equal(states(rig), `${A} drain, ${B} drain, ${C} drain`);
  assert.deepEqual([target.health().state, target.override()?.note], ["drain", "n"]);
  rig.offer();
  assert.equal(rig.calls.length, 0);
  target.operate({ state: "ready", untilMs: undefined, note: "" });
  rig.turn();
  assert.equal(rig.calls.length, 1);
  assert.deepEqual([target.health().state, target.override()], ["ready", undefined]);
});

test("an address that comes gets its part; one that goes, after three absences, loses nothing under way", async () => {
  const rig = rigOn([A, B]);
  later(rig, [A, B, C]);
  assert.deepEqual(shares(rig, 30)[`t@${C}`], 10);
  const offered = [...rig.offer(), ...rig.offer(), ...rig.offer()];
  assert.equal(rig.calls.length, 3);
  later(rig, [B, C], 2);
  assert.equal(states(rig), `${A} ready, ${B} ready, ${C} ready`);
  later(rig, [B, C]);
  assert.equal(states(rig), `${B} ready, ${C} ready`);
  assert.equal(rig.target("t").inFlight, 3);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rig.closed, ["t"]); // of the name, from before; A's call is under way
  rig.answerAll();
  assert.equal(ends(offered), "delivered delivered delivered");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rig.closed, ["t", A]);
  assert.deepEqual(Object.keys(shares(rig, 4)).toSorted(), [`t@${B}`, `t@${C}`]);
});

test("an address that is back within ten minutes is as it was; later it is new", () => {
  const rig = rigOn([A, B, C]);
  const eject = (): void => {
    for (let i = 0; i < 100 && !states(rig).startsWith(`${A} ejected`); i++) {
      rig.offer();
      const [call] = rig.calls;
      if (call!.target === `t@${A}`) rig.answer(failing("connect"));
      rig.answerAll();
    }
  };
  eject();
  const { sinceMs } = rig.target("t").parts!.all[0]!.health();
  later(rig, [B, C], 3);
  later(rig, [A, B, C]);
  const back = rig.target("t").parts!.all[0]!.health();
  assert.equal(back.ejections, 1, "it remembers its ejection");
  assert.ok(back.sinceMs >= sinceMs);
  later(rig, [B, C], 3);
  later(rig, [B, C], 20);
  later(rig, [A, B, C]);
  assert.equal(rig.target("t").parts!.all[0]!.health().ejections, 0);
});

test("a DNS that fails keeps what was known", () => {
  const rig = rigOn([A, B]);
  for (let i = 0; i < 10; i++) {
    rig.pass(30_000);
    rig.resolver.fail();
  }
  assert.equal(states(rig), `${A} ready, ${B} ready`);
  assert.deepEqual(Object.keys(shares(rig, 2)).length, 2);
});

test("the pool counts a name as one target: beside another one of equal weight it gets half, with three addresses", () => {
  const rig = new PoolRig([named(), "other"], { strategy: { type: "weighted_round_robin" } });
  answer(rig, [A, B, C]);
  assert.equal(shares(rig, 12)["other"], 6);
});

test("while a name changes its addresses under load, everything is delivered exactly once", () => {
  const rig = rigOn([A, B], { maxInFlight: 6 });
  const sets = [[A, B, C], [B, C], [A], [A, B, C], [C], [A, B]];
  for (let i = 0; i < 600; i++) {
    rig.offer();
    if (i % 3 === 0 && rig.calls.length > 0) rig.answer(i % 9 === 0 ? failing("connect") : ACCEPTED);
    if (i % 10 === 0) later(rig, sets[(i / 10) % sets.length]!);
  }
  for (let i = 0; i < 200 && rig.offered.some(({ outcomes }) => outcomes.length === 0); i++) {
    rig.answerAll();
    rig.pass(1_000);
  }
  rig.answerAll();
  assert.deepEqual(new Set(rig.offered.map(({ outcomes }) => outcomes.length)), new Set([1]));
  assert.equal(rig.target("t").inFlight, 0);
});

test("the API tells of each address behind a name, and of none while the name is dialled", () => {
  const rig = rigOn([]);
  const addresses = (): unknown => targetView(targetStatus(rig.target("t"), rig.clock))["addresses"];
  assert.deepEqual(addresses(), []);
  answer(rig, [A, B]);
  rig.target("t").parts!.all[1]!.operate({ state: "drain", untilMs: undefined, note: "" });
  assert.deepEqual(
    (addresses() as { address: string; state: string }[]).map(({ address, state }) => `${address} ${state}`),
    [`${A} ready`, `${B} drain`],
  );
});
