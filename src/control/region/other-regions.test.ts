import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { momentOf } from "../../store/session/moment.ts";
import type { ControllerLink } from "../fleet/controller-link.ts";
import type { DiscoverReply, MemberSelection, MemberSet } from "../fleet/messages.ts";
import { RemoteRegions } from "./other-regions.ts";

const US: MemberSelection = { region: "us", tags: {}, listener: "otlp_grpc" };
const LEADER = { id: "u0", address: "u0:4321", tls: false };

function setOf(...ids: string[]): MemberSet {
  const members = ids.map((id) => ({ id, address: `${id}:1`, utilization: 0 }));
  return { members, total: ids.length, is_learning: false, left: [] };
}

class Rig {
  readonly clock = new ManualClock();
  readonly asked: (string | undefined)[] = [];
  leader: typeof LEADER | undefined = LEADER;
  readonly bounds: string[] = [];
  news = 0;
  opened = 0;
  readonly regions: RemoteRegions;
  #answer: ((reply: DiscoverReply | undefined) => void) | undefined;

  constructor() {
    this.regions = new RemoteRegions({
      clock: this.clock,
      random: seededRandom(3),
      id: "e0",
      leaderOf: (region) => (region === "us" ? this.leader : undefined),
      openLink: (controller) => this.#open(controller),
      news: () => void this.news++,
      bounded: (bound, region) => void this.bounds.push(`${bound} ${region}`),
    });
  }

  /** Undefined: it does not answer. */
  async answer(reply: DiscoverReply | undefined): Promise<void> {
    const answer = this.#answer;
    assert.ok(answer !== undefined, "nothing is asked");
    this.#answer = undefined;
    answer(reply);
    await settle();
  }

  #open(controller: typeof LEADER): ControllerLink {
    this.opened++;
    const call = async (_method: string, request: object, { signal }: { signal: AbortSignal }): Promise<unknown> => {
      const { known } = request as { known?: string }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what Discover has
      this.asked.push(known);
      const { promise, resolve } = Promise.withResolvers<DiscoverReply | undefined>();
      this.#answer = resolve;
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
      const reply = await promise;
      return reply ? { kind: "reply", reply, sent: momentOf(this.clock) } : { kind: "unreachable", reason: "away" };
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is asked for nothing else
    return { controller, call, [Symbol.asyncDispose]: async () => undefined } as unknown as ControllerLink;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("another region's controller is asked once for all, from the first question on, and what it says last stays", async () => {
  const rig = new Rig();
  assert.equal(rig.regions.find(US), undefined);
  assert.equal(rig.regions.find({ ...US }), undefined);
  assert.deepEqual(rig.asked, [undefined]);
  await rig.answer({ protocol: 1, digest: "d1", found: [setOf("a")] });
  assert.deepEqual(rig.regions.find(US), setOf("a"));
  assert.deepEqual([rig.news, rig.asked], [1, [undefined, "d1"]]);
  await rig.answer(undefined);
  assert.deepEqual(rig.regions.find(US), setOf("a"));
  rig.clock.advance(10_000);
  await settle();
  assert.equal(rig.opened, 2);
  await rig.answer({ protocol: 1, digest: "d2", found: [setOf("a", "b")] });
  assert.deepEqual(rig.regions.find(US), setOf("a", "b"));
  await rig.regions[Symbol.asyncDispose]();
  assert.equal(rig.clock.pending, 0);
});

test("a region without a controller is looked for again, and one that nobody asks for is followed no more", async () => {
  const rig = new Rig();
  rig.leader = undefined;
  rig.regions.find(US);
  await settle();
  assert.equal(rig.opened, 0);
  rig.leader = LEADER;
  rig.clock.advance(1_000);
  await settle();
  assert.equal(rig.opened, 1);
  rig.clock.advance(60_000);
  await rig.answer({ protocol: 1, digest: "d1", found: [setOf("a")] });
  rig.clock.advance(10_000);
  await settle();
  assert.equal(rig.clock.pending, 0);
  assert.equal(rig.regions.find(US), undefined);
  await rig.regions[Symbol.asyncDispose]();
});

test("of a region that has a controller nobody is told that it has none, however long it is followed", async () => {
  const rig = new Rig();
  rig.regions.find(US);
  await settle();
  for (let asked = 1; asked < 5; asked++) {
    await rig.answer(undefined);
    rig.regions.find(US);
    rig.clock.advance(10_000);
    await settle();
    assert.equal(rig.opened, asked + 1);
  }
  assert.deepEqual(rig.bounds, []);
  await rig.regions[Symbol.asyncDispose]();
});

test("what cannot be followed is told: a region that has no controller for long, and selections beyond the bound", async () => {
  const rig = new Rig();
  rig.leader = undefined;
  for (let i = 0; i < 64; i++) rig.regions.find({ ...US, tags: { tier: `t${i}` } });
  await settle();
  assert.deepEqual(rig.bounds, []);
  rig.regions.find({ ...US, tags: { tier: "t64" } });
  assert.deepEqual(rig.bounds, ["regions us"]);
  rig.bounds.length = 0;
  for (let passed = 0; passed < 14; passed++) {
    rig.clock.advance(1_000);
    await settle();
  }
  assert.deepEqual(rig.bounds, []);
  for (let passed = 0; passed < 12; passed++) {
    rig.clock.advance(1_000);
    await settle();
  }
  assert.ok(rig.bounds.length > 0 && rig.bounds.every((one) => one === "no_leader us"), String(rig.bounds));
  await rig.regions[Symbol.asyncDispose]();
});
