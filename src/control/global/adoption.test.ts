import assert from "node:assert/strict";
import test from "node:test";
import { ADOPTION, Adoption, type AdoptionStep, type RegionsSeen } from "./adoption.ts";

function seen(
  more: Partial<Omit<RegionsSeen, "regions">> & { readonly regions?: readonly string[] } = {},
): RegionsSeen {
  const { regions = ["eu"], ...rest } = more;
  const usual = { hasLeader: () => false, wasAdopted: () => false, isConfigured: () => false, isInhabited: () => true };
  return { regions: new Set(regions), ...usual, isKnown: true, ...rest };
}

function step(more: Partial<AdoptionStep> = {}): AdoptionStep {
  return { adopt: [], release: [], giveUp: [], refused: [], ...more };
}

const NOTHING = step();

test("adoption: a region that has been without a controller for 30 s, once, until it has one", () => {
  const adoption = new Adoption();
  assert.deepEqual(adoption.step(seen(), 0), NOTHING);
  assert.deepEqual(adoption.step(seen(), 29_999), NOTHING);
  assert.deepEqual(adoption.step(seen(), 30_000), step({ adopt: ["eu"] }));
  assert.deepEqual(adoption.step(seen(), 31_000), NOTHING);
  assert.deepEqual(adoption.step(seen({ hasLeader: () => true }), 32_000), step({ release: ["eu"] }));
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

test("adoption: a region that only its collectors know, and of which none asks any more, is forgotten", () => {
  const adoption = new Adoption({ ...ADOPTION, afterMs: 100_000 });
  adoption.hear("us", 0);
  assert.deepEqual(adoption.step(seen({ regions: [] }), 50_000), NOTHING);
  assert.deepEqual(adoption.step(seen({ regions: [] }), 200_001), NOTHING);
  adoption.hear("us", 200_002);
  assert.deepEqual(adoption.step(seen({ regions: [] }), 300_000), NOTHING, "its time begins anew");
});

test("adoption: a region that the store names no more before it is adopted is forgotten", () => {
  const adoption = new Adoption();
  adoption.step(seen(), 0);
  adoption.step(seen({ regions: [] }), 1_000);
  assert.deepEqual(adoption.step(seen(), 30_000), NOTHING, "its time begins anew");
});

test("adoption: a region in which nobody is, and that the config does not have, is given up after five minutes", () => {
  const adoption = new Adoption();
  let isInhabited = true;
  const at = (atMs: number, more = {}): AdoptionStep =>
    adoption.step(seen({ isInhabited: () => isInhabited, ...more }), atMs);
  at(0);
  assert.deepEqual(at(30_000).adopt, ["eu"]);
  assert.deepEqual(at(1_000_000), NOTHING);
  isInhabited = false;
  assert.deepEqual(at(1_200_000), NOTHING);
  isInhabited = true;
  assert.deepEqual(at(1_250_000), NOTHING);
  isInhabited = false;
  assert.deepEqual(at(1_500_000), NOTHING);
  assert.deepEqual(at(1_540_000, { isKnown: false }), NOTHING, "what happens meanwhile is not known");
  assert.deepEqual(at(1_839_000), NOTHING);
  assert.deepEqual(at(1_840_000), step({ giveUp: ["eu"] }));
  assert.deepEqual([...adoption.adopted], []);
});

test("adoption: a region of the config stays adopted, with nobody in it, too", () => {
  const adoption = new Adoption();
  const empty = seen({ isInhabited: () => false, isConfigured: () => true });
  adoption.step(empty, 0);
  assert.deepEqual(adoption.step(empty, 30_000).adopt, ["eu"]);
  assert.deepEqual(adoption.step(empty, 10_000_000), NOTHING);
});

test("adoption: there is a bound to how many regions are remembered", () => {
  const adoption = new Adoption({ afterMs: 0, mostRegions: 2 });
  assert.deepEqual(adoption.step(seen({ regions: ["a", "b", "c"] }), 0).adopt, ["a", "b"]);
});

test("adoption: of regions that the config does not have only so many are adopted, of others all", () => {
  const adoption = new Adoption({ afterMs: 0, mostRegions: 1_000, mostUnknown: 2 });
  const isConfigured = (region: string): boolean => region.startsWith("real");
  const regions = ["made-1", "real-1", "made-2", "made-3", "real-2"];
  const first = adoption.step(seen({ regions, isConfigured }), 0);
  assert.deepEqual(first, step({ adopt: ["made-1", "real-1", "made-2", "real-2"], refused: ["made-3"] }));
  const hasLeader = (region: string): boolean => region === "made-1";
  assert.deepEqual(adoption.step(seen({ regions, isConfigured, hasLeader }), 1).release, ["made-1"]);
  assert.deepEqual(adoption.step(seen({ regions, isConfigured, hasLeader }), 2).adopt, ["made-3"]);
});
