import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { SAFE_PART } from "./limit-allocator.ts";
import { LimitAllocators } from "./limit-allocators.ts";
import { LimitHolders } from "./limit-holders.ts";
import { LimitRegions } from "./limit-regions.ts";

/** Of each key half of what everything together may have, so that two of them fill it. */
const LIMITS: LimitsData = {
  total: { perSecond: 1_000, burst: 200 },
  key: { from: "service" },
  perKey: 500,
  keys: [{ pattern: "k0", perSecond: 100 }],
  mixed: "refuse",
};
const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"] as const;
/** Hot are so many of a region, here. */
const HOT = 2;
const STEP_MS = 250;
const SAFE_LEASE_MS = 120_000;

type Wants = Readonly<Record<string, number>>;

interface Node {
  readonly id: string;
  readonly region: number;
  readonly holders: LimitHolders;
  wants: Wants;
  isCut: boolean;
  askMs: number;
}

interface Region {
  at: LimitRegions;
  isCut: boolean;
  askMs: number;
}

/** The whole tree of all limits: a leader, two regions, nodes; answers come with the next step. */
class Fleet {
  nowMs = 0;
  readonly nodes: Node[] = [];
  readonly regions: Region[];
  #leader: LimitAllocators;
  #revision = 1;
  #joined = 0;
  #mail: (() => void)[] = [];

  constructor() {
    this.#leader = this.#allocators(true);
    this.regions = [0, 1].map(() => ({ at: this.#region(true), isCut: false, askMs: 0 }));
  }

  join(region: number, wants: Wants): Node {
    const node = { id: `n${this.#joined++}`, region, holders: new LimitHolders(), wants, isCut: false, askMs: 0 };
    this.nodes.push(node);
    return node;
  }

  /** It says goodbye and uses nothing any more. */
  leave(index: number): void {
    const [node] = this.nodes.splice(index % Math.max(1, this.nodes.length), 1);
    if (node !== undefined && !node.isCut) this.regions[node.region]!.at.leave(node.id, this.nowMs);
  }

  changeLeader(): void {
    this.#leader = this.#allocators(false);
  }

  changeController(region: number): void {
    this.regions[region]!.at = this.#region(false);
  }

  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += STEP_MS;
      const mail = this.#mail;
      this.#mail = [];
      for (const one of mail) one();
      for (const [i, region] of this.regions.entries()) if (this.nowMs >= region.askMs) this.#askLeader(region, i);
      for (const node of this.nodes) if (this.nowMs >= node.askMs) this.#askController(node);
      this.#check();
    }
  }

  /** What a node may let in of a key now. */
  amount({ holders }: Node, key: string): number {
    const { safe, keys } = holders.shares(LIMITS.total, this.nowMs);
    return (keys.get(key)?.amount ?? 0) + safe.part * limitOf(key);
  }

  #allocators(isFirst: boolean): LimitAllocators {
    const allocators = new LimitAllocators({ ...this.#options(isFirst), mostKeys: 2 * HOT });
    allocators.setLimits(LIMITS);
    return allocators;
  }

  #region(isFirst: boolean): LimitRegions {
    const region = new LimitRegions({ ...this.#options(isFirst), mostKeys: HOT });
    region.setLimits(LIMITS);
    return region;
  }

  #options(isFirst: boolean) {
    const epoch = { generation: 1, revision: BigInt(this.#revision++) };
    return { epoch, sinceMs: this.nowMs, isFirst, safeLeaseMs: SAFE_LEASE_MS };
  }

  #askLeader(region: Region, index: number): void {
    const sentMs = this.nowMs;
    region.askMs = sentMs + 1_000;
    const { at } = region;
    const ask = at.ask(sentMs);
    if (region.isCut) return;
    this.#mail.push(() => {
      const grant = this.#leader.lend(String(index), ask, this.nowMs);
      if (!region.isCut) this.#mail.push(() => at.answered(grant, sentMs, this.nowMs));
    });
  }

  #askController(node: Node): void {
    const sentMs = this.nowMs;
    node.askMs = sentMs + 1_000;
    if (node.isCut) return;
    const ask = node.holders.ask(usageOf(node.wants), sentMs);
    this.#mail.push(() => {
      const grant = this.regions[node.region]!.at.lend(node.id, ask, this.nowMs);
      if (!node.isCut) this.#mail.push(() => node.holders.answered(grant, sentMs));
    });
  }

  #check(): void {
    for (const key of KEYS) {
      const out = this.nodes.reduce((sum, node) => sum + this.amount(node, key), 0);
      assert.ok(out <= limitOf(key) + 1e-6, `${out} of ${limitOf(key)} of ${key} at ${this.nowMs}`);
    }
    let total = 0;
    for (const { holders } of this.nodes) {
      const shares = holders.shares(LIMITS.total, this.nowMs).total;
      total += shares.find(({ untilMs }) => untilMs > this.nowMs)?.perSecond ?? 0;
    }
    assert.ok(total <= LIMITS.total.perSecond + 1e-6, `${total} at ${this.nowMs}`);
  }
}

function limitOf(key: string): number {
  return key === "k0" ? 100 : 500;
}

function usageOf(wants: Wants): LimitsUsage {
  const none = { granted: 0, offered: 0, used: 0, shed: 0 };
  const keys = Object.entries(wants).map(([key, wanted]) => ({ ...none, key, wanted, limit: limitOf(key) }));
  const wanted = keys.reduce((sum, one) => sum + one.wanted, 0);
  return { total: { ...none, wanted, limit: LIMITS.total.perSecond, burst: LIMITS.total.burst }, keys, keyCount: 6 };
}

test("keys: the hottest of a region are shared out exactly, and of the others a node has its part of what is set aside", () => {
  const fleet = new Fleet();
  const wants = { k0: 1_000, k1: 2_000, k2: 100, k3: 50 };
  const [a, b] = [fleet.join(0, wants), fleet.join(0, {})];
  fleet.pass(30_000);
  const safe = (limit: number): number => (SAFE_PART * limit) / 2;
  assert.ok(fleet.amount(a, "k0") >= 95 && fleet.amount(a, "k1") >= 475, `${fleet.amount(a, "k0")}`);
  for (const key of ["k2", "k3"]) {
    assert.ok(fleet.amount(a, key) <= 2 * safe(500) + 1e-6, `${fleet.amount(a, key)} of ${key}`);
    assert.ok(fleet.amount(a, key) > 0);
  }
  // What was hot is another key's turn, once nobody may believe to have any of it.
  a.wants = {};
  b.wants = { k4: 2_000, k5: 2_000 };
  fleet.pass(40_000);
  for (const key of ["k4", "k5"]) assert.ok(fleet.amount(b, key) >= 475, `${fleet.amount(b, key)} of ${key}`);
});

const wantsOf = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(0, 20, 300, 3_000));
const index = fc.nat(5);
const happening = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("join" as const), index, wants: wantsOf }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("want" as const), index, wants: wantsOf }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), index, isCut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut_region" as const), index, isCut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leader" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("controller" as const), index }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer One> ? One : never;

function happen(fleet: Fleet, one: Happening): void {
  const node = "index" in one ? fleet.nodes[one.index % Math.max(1, fleet.nodes.length)] : undefined;
  switch (one.kind) {
    case "join":
      if (fleet.nodes.length < 5) fleet.join(one.index % 2, one.wants);
      return;
    case "want":
      if (node !== undefined) node.wants = one.wants;
      return;
    case "leave":
      return fleet.leave(one.index);
    case "cut":
      if (node !== undefined) node.isCut = one.isCut;
      return;
    case "cut_region":
      fleet.regions[one.index % 2]!.isCut = one.isCut;
      return;
    case "leader":
      return fleet.changeLeader();
    default:
      return fleet.changeController(one.index % 2);
  }
}

test("keys: of no key, and not of everything, is more out than the limit, whatever is hot, through joins, leaves, cuts and changes of leaders", () => {
  const steps = fc.array(fc.record({ one: happening, ms: fc.constantFrom(250, 1_500, 6_000, 20_000) }), {
    minLength: 5,
    maxLength: 20,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const fleet = new Fleet();
      fleet.join(0, { k0: 500, k1: 500, k2: 20 });
      fleet.join(1, { k1: 3_000, k3: 300 });
      for (const { one, ms } of all) {
        happen(fleet, one);
        fleet.pass(ms);
      }
    }),
    { numRuns: 40 },
  );
});
