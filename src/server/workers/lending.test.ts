import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { ClaimReport, LentLimit } from "./lending.ts";
import { equalPart, isStarved, lend, nextTurn, noteReport } from "./lending.ts";

/**
 * A limit and its workers, whose messages keep their order and may take any time: a worker uses no
 * more than its part, but for what it began when that was more.
 */
class LendingWorld {
  limit: LentLimit;
  readonly workers: WorldWorker[];
  readonly #told: number[];

  constructor(whole: number, count: number) {
    this.workers = Array.from({ length: count }, (_, i) => new WorldWorker(equalPart(whole, i, count)));
    this.#told = this.workers.map(() => 0);
    const claims = this.workers.map(({ part }) => ({ part, held: part, need: 0, toldSeq: 0 }));
    this.limit = { whole, claims, turn: 0 };
  }

  get used(): number {
    return this.workers.reduce((sum, { used }) => sum + used, 0);
  }

  /** The main process reads the oldest thing that a worker said. */
  hear(index: number): void {
    const report = this.workers[index]!.said.shift();
    const claim = this.limit.claims[index];
    if (report === undefined || claim === undefined) return;
    const claims = this.limit.claims.with(index, noteReport(claim, report));
    this.#step({ ...this.limit, claims });
  }

  turn(): void {
    this.#step(nextTurn(this.limit));
  }

  die(index: number): void {
    this.workers[index] = new WorldWorker(0);
    this.#step({ ...this.limit, claims: this.limit.claims.with(index, undefined) });
  }

  begin(index: number): void {
    if (this.limit.claims[index] !== undefined) return;
    const { whole, claims } = this.limit;
    const free = whole - claims.reduce((sum, claim) => sum + (claim?.held ?? 0), 0);
    const part = Math.max(0, Math.min(equalPart(whole, index, claims.length), free));
    this.workers[index] = new WorldWorker(part);
    this.#told[index] = 0;
    this.limit = { ...this.limit, claims: claims.with(index, { part, held: part, need: 0, toldSeq: 0 }) };
  }

  #step(before: LentLimit): void {
    const after = lend(before);
    const claims = after.claims.map((claim, i) => {
      if (claim === undefined || claim.part === before.claims[i]?.part) return claim;
      const seq = ++this.#told[i]!;
      this.workers[i]!.coming.push({ seq, part: claim.part });
      return { ...claim, toldSeq: seq };
    });
    this.limit = { ...after, claims };
  }
}

class WorldWorker {
  part: number;
  used = 0;
  /** What it would use. */
  load = 0;
  seq = 0;
  /** Uses of its permits, all together. */
  served = 0;
  readonly coming: { readonly seq: number; readonly part: number }[] = [];
  readonly said: ClaimReport[] = [];

  constructor(part: number) {
    this.part = part;
  }

  work(): void {
    const more = Math.max(0, Math.min(this.part, this.load) - this.used);
    this.used += more;
    this.served += more;
  }

  finish(count: number): void {
    this.used -= Math.min(this.used, count);
  }

  learn(): void {
    const told = this.coming.shift();
    if (told === undefined) return;
    this.part = told.part;
    this.seq = told.seq;
    this.say();
  }

  say(): void {
    this.said.push({ seq: this.seq, has: Math.max(this.part, this.used), need: this.load });
  }
}

type Step = (world: LendingWorld) => void;

const WORKER = fc.nat(31);

function stepsOn(count: number): fc.Arbitrary<Step> {
  const on = (name: string, run: (world: LendingWorld, index: number, amount: number) => void): fc.Arbitrary<Step> =>
    fc.tuple(WORKER, fc.nat(40)).map(([n, amount]) => {
      const step: Step = (world) => run(world, n % count, amount);
      return Object.assign(step, { toString: () => `${name}(${n % count}, ${amount})` });
    });
  return fc.oneof(
    on("want", (world, i, amount) => {
      world.workers[i]!.load = amount;
      world.workers[i]!.work();
      world.workers[i]!.say();
    }),
    on("finish", (world, i, amount) => {
      world.workers[i]!.finish(amount);
      world.workers[i]!.say();
    }),
    on("learn", (world, i) => {
      world.workers[i]!.learn();
      world.workers[i]!.work();
    }),
    on("hear", (world, i) => world.hear(i)),
    on("hear", (world, i) => world.hear(i)),
    on("turn", (world) => world.turn()),
    on("die", (world, i) => world.die(i)),
    on("begin", (world, i) => world.begin(i)),
  );
}

/** A limit of so much for so many, and what happens to it. */
const RUNS = fc
  .tuple(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 1, max: 4 }))
  .chain(([whole, count]) => fc.tuple(fc.constant(whole), fc.constant(count), stepsOf(count)));

function stepsOf(count: number): fc.Arbitrary<Step[]> {
  return fc.array(stepsOn(count), { minLength: 50, maxLength: 400, size: "max" });
}

test("lending: workers never use more than the limit together, whatever is late and whoever dies", () => {
  fc.assert(
    fc.property(RUNS, ([whole, count, steps]) => {
      const world = new LendingWorld(whole, count);
      for (const step of steps) {
        step(world);
        assert.ok(world.used <= whole, `${world.used} of ${whole}`);
      }
    }),
    { numRuns: 300 },
  );
});

/** All is said, heard and learned. */
function talk(world: LendingWorld): void {
  for (const worker of world.workers) worker.say();
  for (let round = 0; round < 4; round++) {
    for (const i of world.workers.keys()) {
      while (world.workers[i]!.said.length > 0) world.hear(i);
      while (world.workers[i]!.coming.length > 0) world.workers[i]!.learn();
    }
  }
}

test("lending: whatever was before, who wants has its fair part when all have finished and talked, and the rest stays", () => {
  const loads = fc.array(fc.nat(80), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(RUNS, loads, ([whole, count, steps], wants) => {
      const world = new LendingWorld(whole, count);
      for (const step of steps) step(world);
      for (const i of world.workers.keys()) world.begin(i);
      for (const [i, worker] of world.workers.entries()) {
        worker.load = wants[i]!;
        worker.finish(Infinity);
      }
      talk(world);
      for (const { part, load } of world.workers) {
        assert.ok(part >= Math.min(load, Math.floor(whole / count)), `${part} for ${load} of ${whole} with ${count}`);
      }
      const wanted = world.workers.reduce((sum, { load }) => sum + load, 0);
      const useful = world.workers.reduce((sum, { part, load }) => sum + Math.min(part, load), 0);
      assert.equal(useful, Math.min(whole, wanted), "nothing is left idle that somebody wants");
      const parts = world.workers.map(({ part }) => part);
      talk(world);
      assert.deepEqual(
        world.workers.map(({ part }) => part),
        parts,
        "nothing moves while all want the same",
      );
    }),
    { numRuns: 200 },
  );
});

test("lending: 16 permits go round among 32 workers that all want some, so that each has as many turns", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 17, max: 32 }), (whole, count) => {
      const world = new LendingWorld(whole, count);
      for (const worker of world.workers) worker.load = 3;
      for (let round = 0; round < 4 * count; round++) {
        talk(world);
        assert.ok(isStarved(world.limit));
        for (const worker of world.workers) {
          worker.finish(1);
          worker.work();
        }
        world.turn();
      }
      const served = world.workers.map((worker) => worker.served);
      assert.ok(Math.min(...served) > 0, served.join());
      assert.ok(Math.max(...served) <= 2 * Math.min(...served) + 2, served.join());
    }),
    { numRuns: 6 },
  );
});

test("lending: nobody is told to give more than another wants", () => {
  const world = new LendingWorld(16, 4);
  world.workers[1]!.load = 3;
  talk(world);
  assert.deepEqual(
    world.workers.map(({ part }) => part),
    [4, 4, 4, 4],
  );
  world.workers[2]!.load = 7;
  talk(world);
  assert.deepEqual(
    world.workers.map(({ part }) => part),
    [3, 4, 7, 2],
  );
});

test("lending: who keeps what it was told to give has it counted until it says that it is given back", () => {
  const world = new LendingWorld(4, 2);
  const [a, b] = [world.workers[0]!, world.workers[1]!];
  a.load = b.load = 2;
  a.work();
  b.load = 4;
  talk(world);
  assert.deepEqual([a.part, b.part], [2, 2]);
  a.load = 0;
  talk(world);
  assert.deepEqual([a.part, a.used, b.part], [0, 2, 2], "its calls are still under way");
  a.finish(1);
  talk(world);
  assert.deepEqual([a.part, b.part], [0, 3]);
  a.finish(1);
  talk(world);
  assert.deepEqual([a.part, b.part], [0, 4]);
});

test("lending: a part of one that is dead goes to who wants it, and one that begins anew is given some back", () => {
  const world = new LendingWorld(8, 2);
  world.workers[0]!.load = 8;
  world.die(1);
  talk(world);
  assert.equal(world.workers[0]!.part, 8);
  world.begin(1);
  assert.equal(world.workers[1]!.part, 0);
  world.workers[1]!.load = 1;
  talk(world);
  assert.deepEqual([world.workers[0]!.part, world.workers[1]!.part], [7, 1]);
});
