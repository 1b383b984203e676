import assert from "node:assert/strict";
import { test } from "node:test";
import { SignalQueue } from "../../src/data/queue/signal-queue.ts";
import { headerIn, type SenderHeaders, senderHeaders } from "../../src/plan/sender-headers.ts";
import { ACCEPTED, type Offered, PoolRig, targetPlan } from "./pool-rig.ts";

const HEADER = "x-scope-orgid";

function tenant(name: string): SenderHeaders {
  return senderHeaders([[HEADER, name]]);
}

/** Whose data is in the calls under way. */
function underWay(rig: PoolRig): string {
  return rig.calls.map(({ batch }) => headerIn(batch.headers, HEADER) ?? "-").join(" ");
}

function forwarding(id = "a", maxInFlight = 4) {
  return targetPlan(id, { forwardHeaders: [HEADER], maxInFlight });
}

/** A parcel that takes 1,000 bytes of the queue's bound, its headers included. */
function thousand(name: string): { readonly headers: SenderHeaders; readonly bytes: number } {
  const headers = tenant(name);
  return { headers, bytes: 1_000 - headers.bytes };
}

/** Each parcel is a batch by itself. */
const SINGLE = { maxItems: 1, maxBytes: 10_000, maxWaitMs: 0 };

test("tenants: one that has a backlog does not keep another one waiting behind it", () => {
  const rig = new PoolRig([forwarding("a", 1)], { batch: SINGLE });
  rig.offer(50, { headers: tenant("huge") });
  rig.offer(1, { headers: tenant("small") });
  assert.equal(underWay(rig), "huge");
  rig.answer();
  assert.equal(underWay(rig), "small");
  rig.answer();
  assert.equal(underWay(rig), "huge");
});

test("tenants: those that have the same number of calls under way take turns, and each its oldest first", () => {
  const rig = new PoolRig([forwarding("a", 1)], { batch: SINGLE });
  for (const name of ["x", "x", "x", "y", "y", "z"]) rig.give({ headers: tenant(name) });
  rig.turn();
  const turns: string[] = [];
  while (rig.calls.length > 0) {
    turns.push(`${underWay(rig)}${rig.calls[0]!.ids}`);
    rig.answer();
  }
  assert.deepEqual(turns, ["xA", "yD", "zF", "xB", "yE", "xC"]);
});

test("tenants: one whose calls hang has no more of the window than the others that wait", () => {
  const rig = new PoolRig([forwarding()], { batch: SINGLE });
  rig.offer(20, { headers: tenant("slow") });
  assert.equal(underWay(rig), "slow slow slow slow");
  rig.offer(20, { headers: tenant("fast") });
  rig.answer();
  rig.answer();
  assert.equal(underWay(rig), "slow slow fast fast");
  for (let i = 0; i < 15; i++) {
    rig.calls.find(({ batch }) => headerIn(batch.headers, HEADER) === "fast")!.answer(ACCEPTED);
    rig.turn();
    const whose = underWay(rig).split(" ");
    const [slow, fast] = ["slow", "fast"].map((name) => whose.filter((one) => one === name).length);
    assert.ok(slow! <= fast! + 1, underWay(rig));
  }
});

test("tenants: what waits together leaves together, and only with its own kind", () => {
  const rig = new PoolRig([forwarding("a", 1)]);
  for (const name of ["x", "y", "x", "y", "x"]) rig.give({ headers: tenant(name) });
  rig.turn();
  const calls: string[] = [];
  while (rig.calls.length > 0) {
    calls.push(rig.calls[0]!.ids);
    rig.answer();
  }
  assert.deepEqual(calls, ["ACE", "BD"]);
});

test("tenants: the queue keeps room for others: one holds no more than they are left, or its equal part", () => {
  const rig = new PoolRig([forwarding()], { queue: { maxBytes: 10_000, maxAgeMs: 60_000 } });
  const fill = (name: string): number => {
    let taken = 0;
    while (rig.give(thousand(name)).answer === "accepted") taken++;
    return taken;
  };
  assert.deepEqual([fill("a"), fill("b"), fill("c")], [5, 3, 2]);
  assert.equal(rig.pool.heldBytes, 10_000);
  assert.equal(rig.pool.hasRoom(1, "traces", 0, 0, tenant("a")), false);
  rig.turn();
  rig.answerAll();
  assert.equal(fill("a"), 5);
});

test("tenants: a parcel of any size that the queue takes is taken of one that holds nothing", () => {
  const rig = new PoolRig([forwarding()], { queue: { maxBytes: 1_000, maxAgeMs: 60_000 } });
  assert.equal(rig.give({ ...thousand("a"), bytes: 1_001 - tenant("a").bytes }).answer, "full");
  assert.equal(rig.give(thousand("a")).answer, "accepted");
});

test("tenants: beyond 1,000 they share a lane, and never a batch; all is delivered, and it is counted", () => {
  const rig = new PoolRig([forwarding("a", 1)], { queue: { maxBytes: 10_000_000, maxAgeMs: 60_000 } });
  const offered: Offered[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1_010; i++) offered.push(rig.give({ headers: tenant(`t${i}`) }));
  }
  rig.turn();
  assert.equal(rig.metrics.poolTenants.with("p").value, 1_001);
  assert.equal(rig.metrics.poolCrowded.with("p").value, 30);
  while (rig.calls.length > 0) {
    const { batch } = rig.calls[0]!;
    const own = offered.filter(({ pieces }) => pieces.some((piece) => batch.pieces.includes(piece)));
    assert.deepEqual(
      new Set(own.map(({ record }) => headerIn(record.headers, HEADER))),
      new Set([headerIn(batch.headers, HEADER)]),
    );
    rig.answer();
  }
  assert.ok(offered.every(({ outcomes }) => outcomes.length === 1 && outcomes[0]!.kind === "delivered"));
  assert.equal(rig.metrics.poolTenants.with("p").value, 0);
});

test("tenants: a pool whose targets forward nothing has none", () => {
  const rig = new PoolRig(["a"], { queue: { maxBytes: 1_000, maxAgeMs: 60_000 } });
  for (let i = 0; i < 4; i++) assert.equal(rig.give({ headers: tenant("a") }).answer, "accepted");
  assert.equal(rig.metrics.poolTenants.with("p").value, 0);
  rig.turn();
  assert.equal(rig.calls.length, 1);
});

test("tenants: a target that begins to forward has them of what comes; what waits leaves before, with its own kind", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  for (const name of ["x", "y", "x"]) {
    rig.give({ headers: tenant(name) });
    rig.turn();
  }
  rig.targets.get("a")!.adopt(forwarding("a", 1));
  rig.update({}, [forwarding("a", 1)]);
  rig.offer(1, { headers: tenant("x") });
  const calls: string[] = [];
  while (rig.calls.length > 0) {
    calls.push(`${underWay(rig)} ${rig.calls[0]!.ids}`);
    rig.answer();
  }
  assert.deepEqual(calls, ["- A", "y B", "x C", "x D"]);
});

test("tenants: beyond 1,000, one that a target asked to wait does not hold up those behind it", () => {
  const rig = new PoolRig([forwarding("a", 1)], { queue: { maxBytes: 10_000_000, maxAgeMs: 600_000 } });
  const crowd = Array.from({ length: 1_000 }, (_, i) => rig.give({ headers: tenant(`t${i}`) }));
  for (const name of ["late", "late", "other"]) rig.give({ headers: tenant(name) });
  rig.turn();
  const served: string[] = [];
  while (rig.calls.length > 0) {
    served.push(underWay(rig));
    const isLate = underWay(rig) === "late" && served.filter((one) => one === "late").length === 1;
    const quota = { kind: "retry", reason: "throttled", message: "", unprocessed: false, quota: true } as const;
    rig.answer(isLate ? { ...quota, afterMs: 60_000 } : ACCEPTED);
  }
  assert.equal(served.at(-1), "other");
  assert.ok(crowd.every(({ outcomes }) => outcomes[0]?.kind === "delivered"));
  rig.pass(60_100);
  assert.equal(underWay(rig), "late");
  rig.answerAll();
  assert.ok(rig.offered.every(({ outcomes }) => outcomes[0]?.kind === "delivered"));
});

test("tenants: one whose only parcel is sent in parts is still the same one, and holds what it held", () => {
  const rig = new PoolRig([forwarding("a", 1)], {
    queue: { maxBytes: 2_000, maxAgeMs: 60_000 },
    batch: { maxItems: 2, maxBytes: 10_000, maxWaitMs: 0 },
  });
  rig.offer(1, { ...thousand("x"), items: 4 });
  assert.deepEqual(
    rig.calls.map(({ batch }) => batch.items),
    [2],
  );
  assert.equal(rig.pool.heldBytes, 1_000);
  assert.equal(rig.pool.hasRoom(1_000 - tenant("x").bytes, "traces", 0, 0, tenant("x")), false);
  assert.equal(rig.pool.hasRoom(1_000 - tenant("y").bytes, "traces", 0, 0, tenant("y")), true);
  rig.answerAll();
  assert.equal(rig.metrics.poolTenants.with("p").value, 0);
  assert.equal(rig.pool.hasRoom(2_000 - tenant("x").bytes, "traces", 0, 0, tenant("x")), true);
});

test("tenants: a turn in which none of many can send does not look at each of them for each", (t) => {
  const rig = new PoolRig([forwarding()], { batch: { maxItems: 100, maxBytes: 100_000, maxWaitMs: 50 } });
  const TENANTS = 500;
  const peek = t.mock.method(SignalQueue.prototype, "peek");
  for (let i = 0; i < TENANTS; i++) rig.give({ headers: tenant(`t${i}`) });
  rig.turn();
  assert.equal(rig.calls.length, 0);
  assert.ok(peek.mock.callCount() < 100 * TENANTS, `${peek.mock.callCount()} looks`);
  rig.pass(50);
  assert.equal(headerIn(rig.calls[0]!.batch.headers, HEADER), "t0", "the oldest is the first");
});
