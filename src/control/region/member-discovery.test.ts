import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../../test/support/fleet/reports.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { isNotLeader } from "../fleet/controller-calls.ts";
import type { DiscoverReply, MemberSelection, MemberSet } from "../fleet/messages.ts";
import { CollectorTable, type KnownCollector } from "./collector-table.ts";
import type { DiscoverBound } from "./discover-bounds.ts";
import { HELD_DISCOVERY } from "./held-discovers.ts";
import { MemberDiscovery } from "./member-discovery.ts";

const LEARNING_MS = 15_000;
const NEVER = new AbortController().signal;
const GATEWAYS: MemberSelection = { region: "eu", tags: { tier: "gateway" }, listener: "otlp_grpc" };

class Rig {
  readonly clock = new ManualClock();
  readonly table = new CollectorTable({ suspectAfterMs: 11_000, goneAfterMs: 15_000, most: 2_000 });
  readonly elsewhere = new Map<string, MemberSet>();
  readonly discovery: MemberDiscovery;
  readonly bounds: DiscoverBound[] = [];
  /** How often all of the region were looked at. */
  walks = 0;
  #seq = 0;

  constructor(most = 1_000) {
    const { table } = this;
    const walk = (): Iterator<KnownCollector> => {
      this.walks++;
      return table[Symbol.iterator]();
    };
    this.discovery = new MemberDiscovery({
      clock: this.clock,
      random: seededRandom(1),
      region: "eu",
      table: { get: (id) => table.get(id), [Symbol.iterator]: walk as () => Generator<KnownCollector> },
      others: { find: ({ region }) => this.elsewhere.get(region) },
      learningMs: LEARNING_MS,
      most,
      bounded: (bound) => void this.bounds.push(bound),
    });
  }

  report(id: string, more: Parameters<typeof reportOf>[1] = {}): void {
    const addresses = { otlpGrpc: `${id}:4317` };
    const report = reportOf(id, { addresses, tags: { tier: "gateway" }, seq: ++this.#seq, ...more });
    this.table.report(report, this.clock.nowMs());
    this.discovery.heard(report);
  }

  goodbye(id: string): void {
    const { report } = this.table.get(id)!;
    this.table.goodbye(id, "one");
    this.discovery.left(report);
  }

  /** Undefined while it is held. */
  ask(
    id: string,
    known?: string,
    wanted = [GATEWAYS],
    kept: string[] = [],
  ): { answer: DiscoverReply | "not_leader" | undefined } {
    const held: { answer: DiscoverReply | "not_leader" | undefined } = { answer: undefined };
    const more = known === undefined ? {} : { known };
    const keep = async (): Promise<void> => {
      const answer = await this.discovery.discover({ protocol: 1, id, region: "eu", wanted, kept, ...more }, NEVER);
      held.answer = isNotLeader(answer) ? "not_leader" : answer;
    };
    void keep();
    return held;
  }

  /** What is known from the beginning. */
  async first(id: string, wanted = [GATEWAYS]): Promise<DiscoverReply> {
    const { answer } = await settled(this.ask(id, undefined, wanted));
    return replyIn(answer);
  }
}

async function settled<Held>(held: Held): Promise<Held> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  return held;
}

function replyIn(answer: DiscoverReply | "not_leader" | undefined): DiscoverReply {
  assert.ok(answer !== undefined && answer !== "not_leader");
  return answer;
}

function idsIn(answer: DiscoverReply | "not_leader" | undefined): string[] {
  return replyIn(answer).found[0]!.members.map(({ id }) => id);
}

test("whoever looks for members is answered at once, and then as soon as one comes, goes or is elsewhere", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  const first = await rig.first("n1");
  assert.deepEqual(idsIn(first), ["a"]);
  const held = await settled(rig.ask("n1", first.digest));
  assert.equal(held.answer, undefined);
  rig.report("b");
  rig.clock.advance(250);
  assert.deepEqual(idsIn((await settled(held)).answer), ["a", "b"]);
  const next = await settled(rig.ask("n1", replyIn(held.answer).digest));
  rig.report("a", { addresses: { otlpGrpc: "other:4317" } });
  rig.clock.advance(250);
  assert.deepEqual(replyIn((await settled(next)).answer).found[0]?.members[0]?.address, "other:4317");
  const last = await settled(rig.ask("n1", replyIn(next.answer).digest));
  rig.goodbye("b");
  rig.clock.advance(250);
  assert.deepEqual(idsIn((await settled(last)).answer), ["a"]);
});

test("a goodbye is told at once, where nothing has been told just before", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  rig.report("b");
  const held = await settled(rig.ask("n1", (await rig.first("n1")).digest));
  rig.clock.advance(1_000);
  rig.goodbye("a");
  rig.clock.advance(0);
  assert.deepEqual(idsIn((await settled(held)).answer), ["b"]);
});

test("load alone answers nobody before its time, and then with what it is", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  const first = await rig.first("n1");
  const held = await settled(rig.ask("n1", first.digest));
  rig.report("a", { load: { ...reportOf("a").load, utilization: 0.75 } });
  rig.clock.advance(HELD_DISCOVERY.leastMs - 1);
  assert.equal((await settled(held)).answer, undefined);
  rig.clock.advance(HELD_DISCOVERY.mostMs - HELD_DISCOVERY.leastMs + 1);
  const reply = replyIn((await settled(held)).answer);
  assert.deepEqual([reply.digest, reply.found[0]?.members[0]?.utilization], [first.digest, 0.75]);
});

test("until all can have reported it is said that there may be more, and who has ended meanwhile", async () => {
  const rig = new Rig();
  rig.report("a");
  rig.report("b");
  rig.goodbye("b");
  const first = await rig.first("n1");
  assert.deepEqual([first.found[0]?.is_learning, first.found[0]?.left, idsIn(first)], [true, ["b"], ["a"]]);
  const held = await settled(rig.ask("n1", first.digest));
  rig.clock.advance(HELD_DISCOVERY.mostMs);
  const next = await settled(rig.ask("n1", replyIn((await settled(held)).answer).digest));
  rig.clock.advance(LEARNING_MS - HELD_DISCOVERY.mostMs);
  const [set] = replyIn((await settled(next)).answer).found;
  assert.deepEqual([set?.is_learning, set?.left], [false, ["b"]]);
});

test("who goes, or says that it is unhealthy, is told of for a while, and wakes nobody who does not know it", async () => {
  const rig = new Rig();
  for (const id of ["a", "b", "c"]) rig.report(id);
  rig.clock.advance(LEARNING_MS);
  const first = await rig.first("n1");
  rig.goodbye("a");
  rig.report("b", { health: { state: "unhealthy", reason: "full" } });
  const next = await rig.first("n1");
  assert.notEqual(next.digest, first.digest);
  assert.deepEqual([idsIn(next), next.found[0]?.left], [["c"], ["b", "a"]]);
  rig.report("d", { health: { state: "unhealthy", reason: "new" } });
  assert.equal((await rig.first("n1")).digest, next.digest);
  rig.goodbye("d");
  rig.report("a");
  rig.report("b");
  assert.deepEqual((await rig.first("n1")).found[0]?.left, ["d"]);
  rig.clock.advance(60_001);
  assert.deepEqual((await rig.first("n1")).found[0]?.left, []);
});

test("members of another region are what is told of it, and not known before", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  const wanted = [{ ...GATEWAYS, region: "us" }, GATEWAYS];
  const first = await rig.first("n1", wanted);
  assert.deepEqual(
    first.found.map((set) => [set.is_learning, set.members.length]),
    [
      [true, 0],
      [false, 0],
    ],
  );
  const held = await settled(rig.ask("n1", first.digest, wanted));
  const members = [{ id: "u1", address: "u1:4317", utilization: 0 }];
  rig.elsewhere.set("us", { members, total: 1, is_learning: false, left: [] });
  rig.discovery.othersChanged();
  rig.clock.advance(250);
  assert.deepEqual(idsIn((await settled(held)).answer), ["u1"]);
});

test("many changes are told together, and one call of each node is held", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  const { digest } = await rig.first("n1");
  const early = await settled(rig.ask("n1", digest));
  const held = await settled(rig.ask("n1", digest));
  assert.equal(rig.discovery.waiting, 1);
  assert.notEqual((await settled(early)).answer, undefined);
  for (let i = 0; i < 50; i++) rig.report(`m${i}`);
  rig.clock.advance(250);
  assert.equal(idsIn((await settled(held)).answer).length, 50);
  assert.equal(rig.discovery.waiting, 0);
});

test("calls of one node for other members are held beside each other, and each is answered with its own", async () => {
  const rig = new Rig();
  const core: MemberSelection = { ...GATEWAYS, tags: { tier: "core" } };
  rig.clock.advance(LEARNING_MS);
  rig.report("g1");
  rig.report("c1", { tags: { tier: "core" } });
  const [gateways, cores] = [await rig.first("us-1", [GATEWAYS]), await rig.first("us-1", [core])];
  const first = rig.ask("us-1", gateways.digest, [GATEWAYS]);
  const second = rig.ask("us-1", cores.digest, [core]);
  await settled(second);
  assert.deepEqual([first.answer, second.answer], [undefined, undefined]);
  rig.report("c2", { tags: { tier: "core" } });
  rig.clock.advance(1_000);
  await settled(second);
  assert.deepEqual([first.answer, idsIn(second.answer)], [undefined, ["c1", "c2"]]);
});

test("who leads no more answers all so, and no timer is left", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  const held = await settled(rig.ask("n1", (await rig.first("n1")).digest));
  rig.report("a", { tags: {} });
  rig.discovery.end({ protocol: 1, not_leader: true });
  assert.equal((await settled(held)).answer, "not_leader");
  assert.equal(rig.clock.pending, 0);
});

test("beyond what is held calls are answered at once", async () => {
  const rig = new Rig(1);
  rig.clock.advance(LEARNING_MS);
  const { digest } = await rig.first("n1");
  const held = await settled(rig.ask("n1", digest));
  const other = await settled(rig.ask("n2", digest));
  assert.equal(held.answer, undefined);
  assert.equal(replyIn(other.answer).digest, digest);
  assert.deepEqual(rig.bounds, ["held"]);
});

test("who leads no more still tells what it has not told yet, such as the goodbye of its own node", async () => {
  const rig = new Rig();
  rig.report("a");
  rig.report("b");
  rig.clock.advance(LEARNING_MS);
  const { digest } = await rig.first("n1");
  const held = await settled(rig.ask("n1", digest));
  rig.goodbye("a");
  rig.discovery.end({ protocol: 1, not_leader: true });
  const { answer } = await settled(held);
  assert.deepEqual([idsIn(answer), replyIn(answer).found[0]?.left], [["b"], ["a"]]);
  assert.equal(rig.clock.pending, 0);
});

test("who leads no more in the midst of telling many tells the rest of them, too", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  const { digest } = await rig.first("n0");
  const all = Array.from({ length: 300 }, (_, i) => rig.ask(`n${i}`, digest));
  await settled(all);
  rig.report("b");
  rig.clock.advance(0);
  const held: number = rig.discovery.waiting;
  assert.ok(held > 0 && held < 300, String(held));
  rig.discovery.end({ protocol: 1, not_leader: true });
  await settled(all);
  for (const { answer } of all) assert.deepEqual(idsIn(answer), ["a", "b"]);
});

test("of those who come and go nobody hears who looks for others, and nobody is looked through again", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  const { digest } = await rig.first("n1");
  const held = await settled(rig.ask("n1", digest));
  const before = rig.clock.pending;
  for (let i = 0; i < 1_000; i++) rig.report(`small-${i}`, { tags: { tier: "small" } });
  rig.goodbye("small-1");
  rig.discovery.gone("small-2");
  assert.equal(rig.clock.pending, before);
  rig.clock.advance(1_000);
  assert.equal((await settled(held)).answer, undefined);
  assert.deepEqual(idsIn(await rig.first("n2")), ["a"]);
  rig.report("b");
  rig.clock.advance(250);
  assert.deepEqual(idsIn((await settled(held)).answer), ["a", "b"]);
  assert.equal(rig.walks, 1);
});

test("what is news to many is one answer for all of them, some hundreds in a turn", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a");
  const { digest } = await rig.first("n0");
  const all = Array.from({ length: 500 }, (_, i) => rig.ask(`n${i}`, digest));
  await settled(all);
  assert.equal(rig.discovery.waiting, 500);
  rig.report("b");
  rig.clock.advance(0);
  const held: number = rig.discovery.waiting;
  assert.ok(held > 250 && held < 350, String(held));
  for (let turn = 0; turn < 3; turn++) {
    await settled(all);
    rig.clock.advance(0);
  }
  await settled(all);
  assert.equal(new Set(all.map(({ answer }) => answer)).size, 1);
  assert.deepEqual(idsIn(all[0]?.answer), ["a", "b"]);
});

test("whose tags or addresses are other ones has left, and of those beyond the ones that are used nobody hears", async () => {
  const rig = new Rig();
  rig.report("a");
  rig.report("b");
  rig.clock.advance(LEARNING_MS);
  assert.deepEqual(idsIn(await rig.first("n1")), ["a", "b"]);
  rig.report("a", { tags: { tier: "small" } });
  rig.report("b", { addresses: {} });
  const next = await rig.first("n1");
  assert.deepEqual([idsIn(next), next.found[0]?.left], [[], ["b", "a"]]);
  for (let i = 0; i < 65; i++) rig.report(`g${100 + i}`);
  const { digest } = await rig.first("n1");
  rig.report("g999");
  const more = await rig.first("n1");
  assert.deepEqual([more.digest, more.found[0]?.total], [digest, 66]);
});

test("of a member at a loopback address it is told on which host it is", async () => {
  const rig = new Rig();
  rig.clock.advance(LEARNING_MS);
  rig.report("a", { addresses: { otlpGrpc: "127.0.0.1:4317" }, host: "h1" });
  rig.report("b", { host: "h1" });
  assert.deepEqual((await rig.first("n1")).found[0]?.members, [
    { id: "a", address: "127.0.0.1:4317", utilization: 0, host: "h1" },
    { id: "b", address: "b:4317", utilization: 0 },
  ]);
});

test("what is left out is told: selections beyond those that are remembered, and who has left beyond those that are told", async () => {
  const rig = new Rig();
  for (let i = 0; i < 257; i++) await rig.first("n1", [{ ...GATEWAYS, tags: { tier: `t${i}` } }]);
  assert.deepEqual(rig.bounds, ["selections"]);
  await rig.first("n1");
  rig.bounds.length = 0;
  for (let i = 0; i < 65; i++) rig.report(`g${i}`);
  for (let i = 0; i < 65; i++) rig.goodbye(`g${i}`);
  const { found } = await rig.first("n1");
  assert.deepEqual([found[0]?.left.length, found[0]?.left[0], rig.bounds], [64, "g64", ["left"]]);
  const idle = new Rig();
  for (let i = 0; i < 1_025; i++) {
    assert.deepEqual(idle.bounds, []);
    idle.report(`g${i}`);
    idle.goodbye(`g${i}`);
  }
  assert.deepEqual(idle.bounds, ["left"]);
});

test("while it learns, those that are kept and are heard to be others now have left, also where they were never found here", async () => {
  const rig = new Rig();
  rig.report("a");
  const kept = ["b", "c"];
  const { answer: first } = await settled(rig.ask("n1", undefined, [GATEWAYS], kept));
  assert.deepEqual([idsIn(first), replyIn(first).found[0]?.left], [["a"], []]);
  const held = await settled(rig.ask("n1", replyIn(first).digest, [GATEWAYS], kept));
  rig.report("b", { tags: { tier: "small" } });
  rig.clock.advance(250);
  assert.deepEqual(replyIn((await settled(held)).answer).found[0]?.left, ["b"]);
  rig.report("c", { addresses: {} });
  const { answer: next } = await settled(rig.ask("n2", undefined, [GATEWAYS], kept));
  assert.deepEqual(replyIn(next).found[0]?.left, ["b", "c"]);
});
