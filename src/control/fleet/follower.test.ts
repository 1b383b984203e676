import assert from "node:assert/strict";
import { test } from "node:test";
import { calm, reportOf } from "../../../test/fleet/calls.ts";
import { RouterError } from "../../core/errors.ts";
import type { ControllerCalls } from "./controller-calls.ts";
import { writeDirective } from "../../../test/support/fleet/directives.ts";
import { type ControllerAddress, FLEET_PROTOCOL } from "./messages.ts";
import { addressOf, C1, followerRig, type HeldAnswer, reports } from "../../../test/support/fleet/follower-rig.ts";

test("a follower: reads the store once, reports in its times, always has one call that waits, and says goodbye", async () => {
  const held: HeldAnswer[] = [];
  const stage = followerRig({ controllers: { c1: {} }, held });
  await stage.pass(0);
  assert.deepEqual([stage.lookUps, reports(stage.heard), held.length], [1, 1, 1]);
  assert.equal(stage.follower.status.state, "following");
  assert.equal(stage.follower.status.epoch, "1.7");
  await stage.pass(60_000);
  assert.equal(stage.lookUps, 1);
  assert.ok(reports(stage.heard) >= 12 && reports(stage.heard) <= 15, `${reports(stage.heard)} reports in a minute`);
  const seqs = stage.heard.flatMap(({ request }) => ("seq" in request ? [Number(request.seq)] : []));
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  await stage[Symbol.asyncDispose]();
  assert.deepEqual(stage.told, ["followed c1", "goodbye", "left c1"]);
  assert.equal(stage.heard.at(-1)?.method, "goodbye");
});

test("a follower: a rate that has left what was told is told at once, and at most once a second", async () => {
  await using stage = followerRig({
    controllers: { c1: {} },
    isNews: (_told, toldMs, nowMs) => nowMs - toldMs >= 1_000,
  });
  await stage.pass(0);
  const before = reports(stage.heard);
  await stage.pass(10_000);
  assert.equal(reports(stage.heard) - before, 10);
});

test("a follower: what is wanted to be told at once is, once a second has passed since the last Report", async () => {
  await using stage = followerRig({ controllers: { c1: {} } });
  await stage.pass(0);
  stage.follower.reportNow();
  await stage.pass(500);
  assert.equal(reports(stage.heard), 1);
  for (let i = 0; i < 20; i++) {
    await stage.pass(250);
    stage.follower.reportNow();
  }
  const count = reports(stage.heard);
  assert.ok(count >= 5 && count <= 6, `${count} reports in 5.5 s`);
});

test("a follower: where all of a large region have something to tell, each takes its time", async () => {
  const collectors = 2_000;
  const report: ControllerCalls["report"] = async (...call) => ({ ...(await calm().report(...call)), collectors });
  await using stage = followerRig({ controllers: { c1: { report } } });
  const waited: number[] = [];
  for (let round = 0; round < 8; round++) {
    await stage.pass(1_000);
    const before = reports(stage.heard);
    stage.follower.reportNow();
    for (waited.push(0); reports(stage.heard) === before; waited[round]! += 250) await stage.pass(250);
  }
  const [most, least] = [Math.max(...waited), Math.min(...waited)];
  assert.ok(most <= 4_250 && most >= 2_000 && least <= 1_500, waited.join(" "));
});

test("a follower: what it is, it says once for each Report, and how often it reports", async () => {
  let asked = 0;
  const facts = (): ReturnType<typeof reportOf> => {
    asked++;
    return reportOf("n1");
  };
  await using stage = followerRig({ controllers: { c1: {} }, facts });
  await stage.pass(30_000);
  assert.equal(asked, reports(stage.heard));
  const [first] = stage.heard;
  assert.ok(first !== undefined && "report_interval_ms" in first.request);
  assert.equal(first.request.report_interval_ms, 5_000);
});

test("a follower: one Report that is answered too late ends nothing, and two in a row do", async () => {
  const held: HeldAnswer[] = [];
  let silent = 0;
  const report = calm([]).report;
  const controllers = {
    c1: {
      report: (...call: Parameters<typeof report>) => (silent-- > 0 ? new Promise<never>(() => {}) : report(...call)),
    },
  };
  await using stage = followerRig({ controllers, held });
  await stage.pass(0);
  silent = 1;
  await stage.pass(30_000);
  assert.deepEqual([stage.told, stage.calls("c1")], [["followed c1"], 1]);
  silent = 2;
  await stage.pass(20_000);
  assert.deepEqual(stage.told.slice(0, 3), ["followed c1", "left c1", "lost unreachable"]);
});

test("a follower: a controller whose connection is gone is left at once, whatever Reports were missed", async () => {
  const held: HeldAnswer[] = [];
  const controllers = {
    c1: { await: async () => Promise.reject(new RouterError("TIMED_OUT", "the connection is gone")) },
  };
  await using stage = followerRig({ controllers, held });
  await stage.pass(0);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost unreachable"]);
});

test("a follower: those who may know who leads are asked every few seconds, until there is a leader", async () => {
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {}, c3: {} };
  const lookUp = async (): Promise<readonly ControllerAddress[]> => ["c1", "c2", "c3"].map(addressOf);
  const held: HeldAnswer[] = [];
  await using stage = followerRig({ controllers, held, lookUp });
  await stage.pass(0);
  // The leader is gone, and until its lease is over the others name it.
  const gone = async (): Promise<never> => Promise.reject(new RouterError("TIMED_OUT", "refused"));
  const notLeader = { protocol: FLEET_PROTOCOL, not_leader: true } as const;
  Object.assign(controllers["c1"]!, { report: gone, await: gone });
  const waits: Partial<ControllerCalls> = { report: async () => ({ ...notLeader, leader: C1 }) };
  Object.assign(controllers["c2"]!, waits);
  Object.assign(controllers["c3"]!, waits);
  held.at(-1)?.(notLeader);
  await stage.pass(17_000);
  const asked = stage.calls("c2") + stage.calls("c3");
  assert.ok(asked >= 4, `the others were asked ${asked} times in 17 s`);
  controllers["c3"] = {};
  await stage.pass(8_000);
  assert.deepEqual([stage.follower.status.controller?.id, stage.lookUps], ["c3", 1]);
});

test("a follower: what is valid is so from the sending of the request that brought it", async () => {
  const held: HeldAnswer[] = [];
  await using stage = followerRig({ controllers: { c1: {} }, held });
  await stage.pass(0);
  await stage.pass(20_000); // the call is held
  const directives = [writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 25_000, body: "{}" })];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives });
  await stage.pass(0);
  assert.deepEqual(stage.applied, ["limits 1 {}"]);
  await stage.pass(5_000);
  assert.deepEqual(stage.applied, ["limits 1 {}", "limits 1 is over"]);
});

test("a follower: a controller that leads no more names its successor, who is followed without the store", async () => {
  const held: HeldAnswer[] = [];
  await using stage = followerRig({ controllers: { c1: {}, c2: {} }, held });
  await stage.pass(0);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, not_leader: true, leader: addressOf("c2") });
  await stage.pass(5_000);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost not_leader", "followed c2"]);
  assert.equal(stage.lookUps, 1);
});

test("a follower: without an answer for 30 s it reads the store again, and not at the same moment as others", async () => {
  await using stage = followerRig({ controllers: {} });
  await stage.pass(29_000);
  const once = stage.lookUps;
  assert.equal(once, 1);
  assert.ok(stage.calls("c1") >= 2, "it is tried again before");
  await stage.pass(75_000);
  assert.ok(stage.lookUps > once);
  assert.notEqual(stage.follower.status.state, "following");
});

test("a follower: a store that is away is asked again and again, with longer pauses", async () => {
  let isAway = true;
  const lookUp = async (): Promise<readonly ControllerAddress[]> => {
    if (isAway) throw new Error("connection refused");
    return [C1];
  };
  await using stage = followerRig({ controllers: { c1: {} }, lookUp });
  await stage.pass(120_000);
  assert.ok(stage.lookUps >= 4 && stage.lookUps <= 20, `${stage.lookUps} times`);
  assert.equal(stage.follower.status.reason, "the store: connection refused");
  isAway = false;
  await stage.pass(31_000);
  assert.equal(stage.follower.status.state, "following");
});

test("a follower: the second controller that the store names is asked when the first does not answer", async () => {
  const lookUp = async (): Promise<readonly ControllerAddress[]> => [C1, addressOf("c2")];
  await using stage = followerRig({ controllers: { c2: {} }, lookUp });
  await stage.pass(10_000);
  assert.deepEqual(stage.told, ["lost unreachable", "followed c2"]);
});

test("a follower: a connection that is lost is tried again with the same controller first, and then with the others", async () => {
  const held: HeldAnswer[] = [];
  const lookUp = async (): Promise<readonly ControllerAddress[]> => [C1, addressOf("c2")];
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {} };
  await using stage = followerRig({ controllers, held, lookUp });
  await stage.pass(0);
  const lose = (): void => {
    const gone = Promise.reject(new RouterError("TIMED_OUT", "the connection is gone"));
    held.at(-1)?.(gone as never); // oxlint-disable-line typescript/no-unsafe-type-assertion -- a promise takes a promise
  };
  lose();
  await stage.pass(5_000);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost unreachable", "followed c1"]);
  assert.equal(stage.calls("c2"), 0);
  delete controllers["c1"];
  lose();
  await stage.pass(20_000);
  assert.equal(stage.follower.status.controller?.id, "c2");
  assert.equal(stage.calls("c1"), 3);
  assert.equal(stage.lookUps, 1);
});

test("a follower: who sees the election follows the next leader at once, whom the store has not named", async () => {
  let leader: ControllerAddress | undefined = C1;
  const held: HeldAnswer[] = [];
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {} };
  await using stage = followerRig({ controllers, held, leader: () => leader });
  await stage.pass(0);
  delete controllers["c1"];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, not_leader: true });
  await stage.pass(20_000);
  assert.notEqual(stage.follower.status.state, "following");
  leader = addressOf("c2");
  await stage.pass(5_000); // a call that nobody answers may have to end
  assert.equal(stage.follower.status.controller?.id, "c2");
  assert.equal(stage.lookUps, 1);
});

test("a follower: a leader whom the watch names and who does not answer is not tried in a circle", async () => {
  await using stage = followerRig({ controllers: {}, leader: () => addressOf("c2") });
  await stage.pass(120_000);
  assert.ok(stage.calls("c1") + stage.calls("c2") < 40, `${stage.calls("c1")} and ${stage.calls("c2")} times`);
});

test("a follower: a controller that answers at once with nothing new is not asked in a circle", async () => {
  const stale = writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 0, body: "{}" });
  const controllers = { c1: { await: async () => ({ protocol: FLEET_PROTOCOL, directives: [stale] }) } };
  await using stage = followerRig({ controllers });
  await stage.pass(60_000);
  const awaits = stage.heard.filter(({ method }) => method === "await").length;
  assert.ok(awaits < 40, `${awaits} calls in a minute`);
  assert.deepEqual(stage.applied, []);
});
