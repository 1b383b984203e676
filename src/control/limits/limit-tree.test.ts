import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { SAFE_PART } from "./limit-allocator.ts";
import { LimitAllocator } from "./limit-allocator.ts";
import { LimitHolder } from "./limit-holder.ts";
import { LimitRegion } from "./limit-region.ts";

const LIMIT = { perSecond: 1_000, burst: 400 };
const LEASE_MS = 15_000;
const SAFE_LEASE_MS = 90_000;
const LARGEST = 60;
const STEP_MS = 250;

interface Member {
  readonly id: string;
  readonly region: number;
  readonly holder: LimitHolder;
  readonly bucket: DebtBucket;
  wanted: number;
  isCut: boolean;
  askMs: number;
  hasLeft: boolean;
}

interface Place {
  controller: LimitRegion;
  isCut: boolean;
  askMs: number;
}

/** A fleet with two regions: messages take their time, get lost, and whoever leads changes. */
class Fleet {
  nowMs = 0;
  admitted = 0;
  refused = 0;
  #revision = 1;
  #leader: LimitAllocator;
  readonly #places: Place[];
  readonly members: Member[] = [];
  #mail: { readonly atMs: number; readonly run: () => void }[] = [];
  #excess = 0;
  #members = 0;
  #wayMs = 50;
  #sent = 0;

  #perSecond = LIMIT.perSecond;

  constructor() {
    this.#leader = this.#allocator(true);
    this.#places = [0, 1].map(() => ({ controller: this.#region(true), isCut: false, askMs: 0 }));
  }

  join(region: number, wanted: number): Member {
    const holder = new LimitHolder();
    holder.setLimit(this.#perSecond);
    const id = `n${this.#members++}`;
    const bucket = new DebtBucket(this.nowMs);
    const member = { id, region, holder, bucket, wanted, isCut: false, askMs: this.nowMs, hasLeft: false };
    this.members.push(member);
    return member;
  }

  /** It is gone at once, and its goodbye arrives or not. */
  leave(index: number, isTold: boolean): void {
    const member = this.members[index % Math.max(1, this.members.length)];
    if (member === undefined) return;
    member.hasLeft = true;
    this.members.splice(this.members.indexOf(member), 1);
    const { controller } = this.#places[member.region]!;
    if (isTold) this.#later(() => controller.allocator.leave(member.id, this.nowMs));
  }

  cut(index: number, isCut: boolean): void {
    const member = this.members[index % Math.max(1, this.members.length)];
    if (member !== undefined) member.isCut = isCut;
  }

  cutRegion(region: number, isCut: boolean): void {
    this.#places[region]!.isCut = isCut;
  }

  changeLeader(): void {
    this.#leader = this.#allocator(false);
  }

  changeController(region: number): void {
    this.#places[region]!.controller = this.#region(false);
  }

  /** For all of them at once; whoever is cut off has the config, too. */
  setLimit(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#divide(this.#leader);
    for (const { controller } of this.#places) controller.setLimit(perSecond);
    for (const { holder } of this.members) holder.setLimit(perSecond);
  }

  setWay(ms: number): void {
    this.#wayMs = ms;
  }

  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += STEP_MS;
      const due = this.#mail.filter(({ atMs }) => atMs <= this.nowMs);
      this.#mail = this.#mail.filter(({ atMs }) => atMs > this.nowMs);
      for (const { run } of due.toSorted((a, b) => a.atMs - b.atMs)) {
        run();
        this.#check();
      }
      for (const place of this.#places) if (this.nowMs >= place.askMs) this.#askLeader(place);
      for (const member of this.members) if (this.nowMs >= member.askMs) this.#askController(member);
      this.#check();
      this.#load();
    }
  }

  get out(): number {
    return this.members.reduce((sum, { holder }) => sum + holder.amountAt(this.nowMs), 0);
  }

  #allocator(isFirst: boolean): LimitAllocator {
    const epoch = { generation: 1, revision: BigInt(this.#revision++) };
    const allocator = new LimitAllocator({
      epoch,
      sinceMs: this.nowMs,
      leaseMs: LEASE_MS,
      safeLeaseMs: SAFE_LEASE_MS,
      isFirst,
    });
    this.#divide(allocator);
    return allocator;
  }

  #divide(allocator: LimitAllocator): void {
    allocator.setLease(this.#perSecond * (1 - SAFE_PART));
    allocator.setSafe(this.#perSecond * SAFE_PART);
  }

  #region(isFirst: boolean): LimitRegion {
    const epoch = { generation: 1, revision: BigInt(this.#revision++) };
    const options = { epoch, sinceMs: this.nowMs, leaseMs: LEASE_MS, safeLeaseMs: SAFE_LEASE_MS, isFirst };
    const region = new LimitRegion(options);
    region.setLimit(this.#perSecond);
    return region;
  }

  #askLeader(place: Place): void {
    const { controller } = place;
    const sentMs = this.nowMs;
    place.askMs = sentMs + 1_000;
    const ask = controller.ask(sentMs);
    if (place.isCut) return;
    const name = String(this.#places.indexOf(place));
    this.#later(() => {
      const grant = this.#leader.ask(name, ask, this.nowMs);
      if (!place.isCut) this.#later(() => controller.answered(grant, sentMs, this.nowMs));
    });
  }

  #askController(member: Member): void {
    const sentMs = this.nowMs;
    member.askMs = sentMs + 1_000;
    if (member.isCut) return;
    const ask = member.holder.ask(member.wanted, sentMs);
    const { controller } = this.#places[member.region]!;
    this.#later(() => {
      const grant = controller.allocator.ask(member.id, ask, this.nowMs);
      if (!member.isCut) this.#later(() => this.#answer(member, grant, sentMs));
    });
  }

  #answer(member: Member, grant: Parameters<LimitHolder["answered"]>[0], sentMs: number): void {
    // Whoever has left uses nothing any more.
    if (member.hasLeft) return;
    member.holder.answered(grant, sentMs);
    member.bucket.setShares(member.holder.shares(LIMIT, this.nowMs), this.nowMs);
  }

  #check(): void {
    assert.ok(this.out <= LIMIT.perSecond + 1e-6, `${this.out} of ${LIMIT.perSecond} at ${this.nowMs}`);
  }

  /** Requests of all sizes; over no window more than the limit, its burst and one of each node. */
  #load(): void {
    this.#excess = Math.max(0, this.#excess - (LIMIT.perSecond * STEP_MS) / 1_000);
    for (const { bucket, wanted } of this.members) {
      for (let left = (wanted * STEP_MS) / 1_000; left > 0; ) {
        const cost = Math.min(left, 1 + ((this.admitted + left) % LARGEST));
        left -= cost;
        if (!bucket.take(cost, this.nowMs)) {
          this.refused += cost;
          continue;
        }
        this.admitted += cost;
        this.#excess += cost;
      }
    }
    const most = LIMIT.burst + (LIMIT.perSecond * STEP_MS) / 1_000 + this.#members * LARGEST;
    assert.ok(this.#excess <= most + 1e-6, `${this.#excess} above the limit at ${this.nowMs}`);
  }

  #later(run: () => void): void {
    // They overtake each other.
    this.#mail.push({ atMs: this.nowMs + this.#wayMs * (0.5 + (this.#sent++ % 4)), run });
  }
}

test("limits: load on one node has all of the limit, and another one has it two intervals after it moved there", () => {
  const fleet = new Fleet();
  const [a, , c] = [fleet.join(0, 2_000), fleet.join(0, 0), fleet.join(1, 0)];
  fleet.pass(20_000);
  assert.ok(a.holder.amountAt(fleet.nowMs) >= 0.95 * LIMIT.perSecond);
  a.wanted = 0;
  c.wanted = 2_000;
  fleet.pass(10_000);
  const before = fleet.admitted;
  fleet.pass(10_000);
  assert.ok(fleet.admitted - before >= 0.95 * 10 * LIMIT.perSecond, `${fleet.admitted - before}`);
});

test("limits: a node that is cut off keeps to its safe share, and the others have the rest", () => {
  const fleet = new Fleet();
  const nodes = [fleet.join(0, 900), fleet.join(0, 900), fleet.join(1, 900)];
  fleet.pass(20_000);
  nodes[0]!.isCut = true;
  fleet.pass(25_000);
  const safe = nodes[0]!.holder.amountAt(fleet.nowMs);
  assert.ok(safe > 0 && safe <= LIMIT.perSecond * SAFE_PART, `${safe}`);
  assert.ok(fleet.out >= 0.95 * LIMIT.perSecond, `${fleet.out}`);
  fleet.pass(SAFE_LEASE_MS);
  assert.equal(nodes[0]!.holder.amountAt(fleet.nowMs), 0);
});

test("limits: another controller gives nothing back before it can know what collectors have of the one before", () => {
  const fleet = new Fleet();
  const silent = fleet.join(0, 2_000);
  const other = fleet.join(1, 0);
  fleet.pass(20_000);
  silent.isCut = true;
  fleet.changeController(0);
  other.wanted = 2_000;
  // What is out is looked at each time.
  fleet.pass(12_000);
  assert.ok(silent.holder.amountAt(fleet.nowMs) > 900);
  fleet.pass(20_000);
  assert.ok(other.holder.amountAt(fleet.nowMs) > 900);
});

test("limits: one that is lowered holds when leases are over, though nobody knows yet who else has a safe share", () => {
  const fleet = new Fleet();
  const nodes = [fleet.join(0, 900), fleet.join(0, 900), fleet.join(1, 900)];
  fleet.pass(20_000);
  fleet.changeLeader();
  for (const region of [0, 1]) fleet.changeController(region);
  fleet.pass(30_000);
  nodes[0]!.isCut = true;
  fleet.setLimit(20);
  fleet.pass(LEASE_MS + 1_000);
  assert.ok(fleet.out <= 20 + 1e-6, `${fleet.out}`);
  fleet.setLimit(1_000);
  const safe = nodes[0]!.holder.amountAt(fleet.nowMs);
  assert.ok(safe > 0 && safe <= 1_000 * SAFE_PART, `${safe}`);
});

test("limits: those who want more have the same, by weight of what they want", () => {
  const fleet = new Fleet();
  const nodes = [fleet.join(0, 2_000), fleet.join(0, 2_000), fleet.join(0, 100)];
  fleet.pass(25_000);
  const [a, b, c] = nodes.map(({ holder }) => holder.amountAt(fleet.nowMs));
  assert.ok(Math.abs(a! - b!) < 20, `${a} and ${b}`);
  assert.ok(c! >= 100 && c! < 150, `${c}`);
});

type Happening =
  | { readonly kind: "join"; readonly region: number; readonly wanted: number }
  | { readonly kind: "leave"; readonly index: number; readonly isTold: boolean }
  | { readonly kind: "want"; readonly index: number; readonly wanted: number }
  | { readonly kind: "cut"; readonly index: number; readonly isCut: boolean }
  | { readonly kind: "cut_region"; readonly region: number; readonly isCut: boolean }
  | { readonly kind: "leader" }
  | { readonly kind: "controller"; readonly region: number }
  | { readonly kind: "way"; readonly ms: number };

const region = fc.nat(1);
const index = fc.nat(5);
const wanted = fc.constantFrom(0, 50, 400, 3_000);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("join" as const), region, wanted }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), index, isTold: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("want" as const), index, wanted }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), index, isCut: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut_region" as const), region, isCut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leader" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("controller" as const), region }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("way" as const), ms: fc.constantFrom(10, 600, 4_000) }) },
);

function happen(fleet: Fleet, one: Happening): void {
  switch (one.kind) {
    case "join":
      if (fleet.members.length < 6) fleet.join(one.region, one.wanted);
      return;
    case "leave":
      return fleet.leave(one.index, one.isTold);
    case "want": {
      const member = fleet.members[one.index % Math.max(1, fleet.members.length)];
      if (member !== undefined) member.wanted = one.wanted;
      return;
    }
    case "cut":
      return fleet.cut(one.index, one.isCut);
    case "cut_region":
      return fleet.cutRegion(one.region, one.isCut);
    case "leader":
      return fleet.changeLeader();
    case "controller":
      return fleet.changeController(one.region);
    default:
      return fleet.setWay(one.ms);
  }
}

test("limits: what is out is never more than the limit, and no window holds more, through joins, leaves, cuts and changes of leaders", () => {
  const steps = fc.array(fc.record({ one: happening, ms: fc.constantFrom(250, 1_500, 6_000, 20_000) }), {
    minLength: 5,
    maxLength: 25,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const fleet = new Fleet();
      for (const wants of [800, 0, 300]) fleet.join(0, wants);
      fleet.join(1, 2_000);
      for (const { one, ms } of all) {
        happen(fleet, one);
        fleet.pass(ms);
      }
    }),
    { numRuns: 100 },
  );
});
