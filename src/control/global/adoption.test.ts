import assert from "node:assert/strict";
import test from "node:test";
import { Adoption, type RegionsSeen } from "./adoption.ts";

function seen(more: Partial<RegionsSeen> = {}): RegionsSeen {
  return { regions: ["eu"], hasLeader: () => false, wasAdopted: () => false, isKnown: true, ...more };
}

const NOTHING = { adopt: [], release: [] };

test("adoption: a region that has been without a controller for 30 s, once, until it has one", () => {
  const adoption = new Adoption();
  assert.deepEqual(adoption.step(seen(), 0), NOTHING);
  assert.deepEqual(adoption.step(seen(), 29_999), NOTHING);
  assert.deepEqual(adoption.step(seen(), 30_000), { adopt: ["eu"], release: [] });
  assert.deepEqual(adoption.step(seen(), 31_000), NOTHING);
  assert.deepEqual(adoption.step(seen({ hasLeader: () => true }), 32_000), { adopt: [], release: ["eu"] });
  assert.deepEqual(adoption.step(seen({ hasLeader: () => true }), 33_000), NOTHING);
  assert.deepEqual([...adoption.adopted], []);
});

test("adoption: a controller that comes and goes begins the 30 s anew", () => {
  const adoption = new Adoption();
  adoption.step(seen(), 0);
  adoption.step(seen({ hasLeader: () => true }), 20_000);
  adoption.step(seen(), 21_000);
  assert.deepEqual(adoption.step(seen(), 50_000), NOTHING);
  assert.deepEqual(adoption.step(seen(), 51_000).adopt, ["eu"]);
});

test("adoption: while the store is away nobody is without a controller, as far as anybody knows", () => {
  const adoption = new Adoption();
  adoption.step(seen(), 0);
  assert.deepEqual(adoption.step(seen({ isKnown: false }), 40_000), NOTHING);
  assert.deepEqual(adoption.step(seen(), 41_000), NOTHING);
  assert.deepEqual(adoption.step(seen(), 70_000).adopt, ["eu"]);
});

test("adoption: what the leader before had adopted is so at once", () => {
  assert.deepEqual(new Adoption().step(seen({ wasAdopted: () => true }), 0).adopt, ["eu"]);
});

test("adoption: a region that only its collectors know is adopted after they have asked", () => {
  const adoption = new Adoption();
  adoption.hear("us", 1_000);
  adoption.hear("us", 9_000);
  assert.deepEqual(adoption.step(seen({ regions: [] }), 30_999), NOTHING);
  assert.deepEqual(adoption.step(seen({ regions: [] }), 31_000).adopt, ["us"]);
});

test("adoption: there is a bound to how many regions are remembered", () => {
  const adoption = new Adoption({ afterMs: 0, mostRegions: 2 });
  assert.deepEqual(adoption.step(seen({ regions: ["a", "b", "c"] }), 0).adopt, ["a", "b"]);
});
