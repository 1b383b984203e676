import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { type FoundMembers, membersKey, type MembersPlan } from "../../plan/members.ts";
import { momentOf } from "../../store/session/moment.ts";
import type { CallOutcome } from "./controller-link.ts";
import { type AskMembers, MemberFollower, type MemberQuestion, sameMachine } from "./member-follower.ts";
import type { DiscoverReply, MemberSet } from "./messages.ts";

const GATEWAYS: MembersPlan = { region: "eu", tags: { tier: "g" }, listener: "otlp_grpc", isSelf: false, node: "n" };
const OTHERS: MembersPlan = { ...GATEWAYS, region: "us" };

function setOf(ids: string, more: Partial<MemberSet> = {}): MemberSet {
  const members = ids.split("").map((id) => ({ id, address: `${id}:1`, utilization: 0.5 }));
  return { members, total: members.length, is_learning: false, left: [], ...more };
}

class Rig {
  readonly clock = new ManualClock();
  readonly log = recordedLog(this.clock);
  readonly told: (readonly FoundMembers[])[] = [];
  readonly asked: MemberQuestion[] = [];
  readonly over = new AbortController();
  readonly members: MemberFollower;
  readonly ended: Promise<void>;
  /** That report to its controller. */
  collectors = 3;
  #answer: ((outcome: CallOutcome<DiscoverReply>) => void) | undefined;

  constructor(wanted: readonly MembersPlan[] = [GATEWAYS], first: readonly FoundMembers[] = []) {
    this.members = new MemberFollower({
      clock: this.clock,
      random: seededRandom(2),
      log: this.log,
      id: "me",
      first,
      host: "here",
      ownAddresses: () => sameMachine(["0.0.0.0:4317"], ["172.17.0.1", "fd00::1"]),
      told: (found) => void this.told.push(found),
    });
    this.members.want(wanted);
    const ask: AskMembers = (question, signal) => this.#ask(question, signal);
    this.ended = this.members.run(ask, this.over.signal, () => this.collectors);
  }

  get isAsking(): boolean {
    return this.#answer !== undefined;
  }

  async answer(digest: string, ...found: readonly MemberSet[]): Promise<void> {
    const sent = momentOf(this.clock);
    await this.end({ kind: "reply", reply: { protocol: 1, digest, found: [...found] }, sent });
  }

  async end(outcome: CallOutcome<DiscoverReply>): Promise<void> {
    const answer = this.#answer;
    assert.ok(answer !== undefined, "nothing is asked");
    this.#answer = undefined;
    answer(outcome);
    await settle();
  }

  /** Of the first selection, as it was told last. */
  get ids(): string {
    return (this.told.at(-1)?.[0]?.members ?? []).map(({ id }) => id).join("");
  }

  #ask(question: MemberQuestion, signal: AbortSignal): Promise<CallOutcome<DiscoverReply>> {
    this.asked.push(question);
    const { promise, resolve } = Promise.withResolvers<CallOutcome<DiscoverReply>>();
    this.#answer = resolve;
    signal.addEventListener("abort", () => resolve({ kind: "unreachable", reason: "aborted" }), { once: true });
    return promise;
  }
}

function warnings({ log }: Rig): number {
  return log.lines.filter((line) => /warn/iu.test(line)).length;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("what is found goes on, with its load, and the next question says what is known", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("ab"));
  assert.deepEqual(rig.told.at(-1), [{ of: membersKey(GATEWAYS), members: setOf("ab").members }]);
  assert.deepEqual(
    rig.asked.map(({ known }) => known),
    [undefined, "d1"],
  );
  assert.deepEqual(rig.asked[0]?.wanted, [{ region: "eu", tags: { tier: "g" }, listener: "otlp_grpc" }]);
});

test("a node does not find itself, nor who says that it is where this node is", async () => {
  const rig = new Rig();
  const members = [
    ...setOf("a").members,
    { id: "me", address: "elsewhere:1", utilization: 0 },
    { id: "z", address: "127.0.0.1:4317", utilization: 0 },
  ];
  await rig.answer("d1", { ...setOf(""), members, total: 3 });
  assert.equal(rig.ids, "a");
  assert.equal(warnings(rig), 1);
});

test("a member at an address of this machine, or at a loopback address of another one, is left out, and told of", async () => {
  const rig = new Rig();
  const at = ["172.17.0.1:4317", "[fd00::1]:4317", "172.17.0.1:4318", "127.0.0.1:9", "127.0.0.1:9", "[::1]:9"];
  const hosts = [undefined, undefined, undefined, "here", undefined, "there"];
  const members = at.map((address, i) => ({ id: `m${i}`, address, utilization: 0, host: hosts[i] }));
  await rig.answer("d1", { ...setOf(""), members, total: members.length });
  assert.deepEqual(
    rig.told.at(-1)?.[0]?.members,
    ["m2", "m3", "m4"].map((id, i) => ({ id, address: at[i + 2], utilization: 0 })),
  );
  assert.equal(warnings(rig), 3);
});

test("in a large region what is news to all is not asked for again by all at once", async () => {
  const rig = new Rig();
  rig.collectors = 5_000;
  await rig.answer("d1", setOf("a"));
  assert.equal(rig.isAsking, false);
  rig.clock.advance(5_000);
  await settle();
  assert.equal(rig.isAsking, true);
  rig.over.abort();
  await rig.ended;
  assert.equal(rig.clock.pending, 0);
});

test("why a controller refuses is told with what to do about that", async () => {
  const rig = new Rig();
  await rig.end({ kind: "refused", why: "too_large", reason: "300000 bytes" });
  assert.match(rig.log.lines.join(""), /too_large.*fewer ways/u);
});

test("who has an address that is none is left out, and told of; the others are used", async () => {
  const rig = new Rig();
  const bad = ["999.1.1.1:4317", "[fe80::1%eth0]:4317", "0.0.0.0:1"];
  const members = [...setOf("ab").members, ...bad.map((address, i) => ({ id: `x${i}`, address, utilization: 0 }))];
  await rig.answer("d1", { ...setOf(""), members, total: 5 });
  await rig.answer("d2", { ...setOf(""), members, total: 5 });
  assert.equal(rig.ids, "ab");
  assert.equal(warnings(rig), 3);
});

test("a controller that has not heard of all takes nobody away but those who have ended", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("abc"));
  await rig.answer("d2", setOf("d", { is_learning: true, left: ["b"] }));
  assert.equal(rig.ids, "acd");
  await rig.answer("d3", setOf("cd"));
  assert.equal(rig.ids, "cd");
});

test("who loses sight of most takes them away no sooner than it must", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("abcde"));
  // One after the other, as each of them is missed.
  await rig.answer("d2", setOf("cde"));
  assert.equal(rig.ids, "cde");
  await rig.answer("d3", setOf("e"));
  assert.equal(rig.ids, "abcde");
  await rig.answer("d4", setOf(""));
  assert.equal(rig.ids, "abcde");
  assert.deepEqual(rig.members.counts, { used: 5, kept: 5, unused: 0 });
  assert.equal(warnings(rig), 1);
  await rig.answer("d5", setOf("", { left: ["a"] }));
  assert.equal(rig.ids, "bcde");
  rig.clock.advance(600_000);
  await rig.answer("d6", setOf(""));
  assert.equal(rig.ids, "");
  assert.deepEqual(rig.members.counts, { used: 0, kept: 0, unused: 0 });
});

test("who says that it goes, or goes long after others, is not kept, nor who has been replaced", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("abc"));
  await rig.answer("d2", setOf("", { left: ["a", "b", "c"] }));
  assert.equal(rig.ids, "");
  await rig.answer("d3", setOf("abc"));
  await rig.answer("d4", setOf("bc"));
  rig.clock.advance(30_000);
  await rig.answer("d5", setOf("c"));
  assert.equal(rig.ids, "c");
  await rig.answer("d6", setOf(""));
  assert.equal(rig.ids, "bc");
  await rig.answer("d7", setOf("xy"));
  assert.equal(rig.ids, "xy");
});

test("a controller that has learnt, and has heard of few, takes nobody away yet", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("abc"));
  await rig.answer("d2", setOf("", { is_learning: true }));
  rig.clock.advance(60_000);
  await rig.answer("d3", setOf("a"));
  assert.equal(rig.ids, "abc");
  await rig.answer("d4", setOf("abc"));
  assert.deepEqual(rig.members.counts, { used: 3, kept: 0, unused: 0 });
});

test("while nothing is known an answer of who has not heard of anybody says nothing", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("", { is_learning: true }));
  assert.deepEqual(rig.told.at(-1), []);
  await rig.answer("d2", setOf(""));
  assert.deepEqual(rig.told.at(-1), [{ of: membersKey(GATEWAYS), members: [] }]);
});

test("who finds nobody says so after a while: in the log, and for its Reports; until somebody is there", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf(""));
  assert.deepEqual([rig.members.missing, warnings(rig)], ["", 0]);
  rig.clock.advance(20_000);
  await rig.answer("d2", setOf(""));
  assert.equal(rig.members.missing, "for 20 s no node is found that listens for otlp_grpc in region eu with tier=g");
  assert.equal(warnings(rig), 1);
  assert.match(rig.log.lines.at(-1)!, /region=eu .*since=2025-06-15T15:06:40.000Z hint="see TAGS/u);
  rig.clock.advance(20_000);
  await rig.answer("d3", setOf(""));
  assert.equal(warnings(rig), 1);
  await rig.answer("d4", setOf("a"));
  assert.equal(rig.members.missing, "");
});

test("while no controller answers what is known stays, and asking takes its time", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("ab"));
  const told = rig.told.length;
  await rig.end({ kind: "unreachable", reason: "gone" });
  assert.equal(rig.isAsking, false);
  for (let failed = 0; failed < 6; failed++) {
    rig.clock.advance(30_000);
    await settle();
    await rig.end({ kind: "refused", why: "unknown_call", reason: "no such call" });
  }
  assert.equal(rig.told.length, told);
  assert.equal(rig.asked.length, 8);
  rig.over.abort();
  await rig.ended;
  assert.equal(rig.clock.pending, 0);
});

test("another config asks at once for what it wants, and forgets what it does not", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("ab"));
  rig.members.want([GATEWAYS, OTHERS, { ...OTHERS, tags: {}, isSelf: true }]);
  await settle();
  assert.deepEqual(
    rig.asked.at(-1)?.wanted.map(({ region }) => region),
    ["eu", "us"],
  );
  assert.equal(rig.asked.at(-1)?.known, undefined);
  await rig.answer("d2", setOf("ab"), setOf("x"));
  assert.deepEqual(rig.members.counts, { used: 3, kept: 0, unused: 0 });
  rig.members.want([OTHERS]);
  await settle();
  assert.deepEqual(
    rig.told.at(-1)?.map(({ of }) => of),
    [membersKey(OTHERS)],
  );
  rig.members.want([]);
  await settle();
  assert.deepEqual(rig.told.at(-1), []);
  assert.equal(rig.asked.length, 5);
});

test("the same config asks nothing anew", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("ab"));
  rig.members.want([{ ...GATEWAYS }]);
  await settle();
  assert.equal(rig.asked.length, 2);
});

test("that more fit than are used is told once, and counted", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("ab", { total: 70 }));
  await rig.answer("d2", setOf("ab", { total: 71 }));
  assert.deepEqual(rig.members.counts, { used: 2, kept: 0, unused: 7 });
  assert.equal(warnings(rig), 1);
});

test("answers that come at once and tell nothing new are not asked for without end", async () => {
  const rig = new Rig();
  await rig.answer("d1", setOf("a"));
  await rig.answer("d1", setOf("a"));
  assert.equal(rig.isAsking, false);
  rig.clock.advance(500);
  await settle();
  assert.equal(rig.isAsking, true);
});

test("who starts uses those that it knew before until a controller that has heard of all tells others", async () => {
  const members = [...setOf("ab").members, { id: "me", address: "m:1", utilization: 0 }];
  const rig = new Rig([GATEWAYS, OTHERS], [{ of: membersKey(GATEWAYS), members }]);
  assert.deepEqual(rig.told, [[{ of: membersKey(GATEWAYS), members: setOf("ab").members }]]);
  await rig.answer("d1", setOf("c", { is_learning: true }), setOf("", { is_learning: true }));
  assert.equal(rig.ids, "abc");
  await rig.answer("d2", setOf("bc"), setOf(""));
  assert.equal(rig.ids, "bc");
});

test("a controller that learns is told whom it does not tell of, and they are used, until it says that they have left", async () => {
  const rig = new Rig([GATEWAYS, OTHERS]);
  await rig.answer("d1", setOf("abc"), setOf("x"));
  await rig.answer("d2", setOf("b", { is_learning: true }), setOf("", { is_learning: true }));
  assert.deepEqual(
    rig.asked.map(({ kept }) => kept),
    [undefined, undefined, ["a", "c", "x"]],
  );
  await rig.answer("d3", setOf("b", { is_learning: true, left: ["c"] }), setOf("x"));
  assert.deepEqual([rig.ids, rig.asked.at(-1)?.kept], ["ab", ["a"]]);
  await rig.answer("d4", setOf("ab"), setOf("x"));
  assert.equal(rig.asked.at(-1)?.kept, undefined);
});
