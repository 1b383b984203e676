import assert from "node:assert/strict";
import { test } from "node:test";
import type { WindowVerdict } from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample } from "./collector-sample.ts";
import { gateOf, evaluateWindow, verdictsInARow, windowBetween, windowMsOf } from "./gate.ts";

const windows = [
  { name: "as good as the others", canary: [10_000, 100], control: [90_000, 900], want: "good" },
  { name: "all fail, here and there", canary: [10_000, 10_000], control: [90_000, 90_000], want: "good" },
  { name: "exactly a point more is not worse", canary: [10_000, 200], control: [10_000, 100], want: "good" },
  { name: "more than a point more", canary: [10_000, 201], control: [10_000, 100], want: "over" },
  { name: "19 failures are chance", canary: [1_900, 19], control: [90_000, 0], want: "too_little" },
  { name: "20 failures of little traffic", canary: [1_900, 20], control: [90_000, 0], want: "over" },
  { name: "worse than few others", canary: [10_000, 5_000], control: [200, 0], want: "over" },
  { name: "others too few to tell what is usual", canary: [10_000, 5_000], control: [199, 0], want: "too_little" },
  { name: "nothing to compare with", canary: [10_000, 5_000], control: [0, 0], want: "too_little" },
  { name: "no traffic", canary: [0, 0], control: [90_000, 0], want: "too_little" },
  { name: "one less than enough", canary: [1_999, 0], control: [90_000, 0], want: "too_little" },
  { name: "others with one less than enough", canary: [90_000, 0], control: [1_999, 0], want: "too_little" },
  { name: "just enough", canary: [2_000, 0], control: [2_000, 0], want: "good" },
] as const;
for (const { name, canary, control, want } of windows) {
  test(`gate: a window: ${name}`, () => {
    const [tried, others] = [canary, control].map(([attempted, failed]) => ({ attempted, failed }));
    assert.ok(tried !== undefined && others !== undefined);
    assert.equal(evaluateWindow({ canary: tried, control: others }), want);
  });
}

const doubts = [
  { name: "items that pile up", canary: { waiting: 20_000 }, control: {}, want: "doubtful" },
  { name: "nothing but items that pile up", canary: { attempted: 0, waiting: 20_000 }, control: {}, want: "doubtful" },
  { name: "items that pile up everywhere", canary: { waiting: 20_000 }, control: { waiting: 20_000 }, want: "good" },
  { name: "a batch that waits", canary: { waiting: 1_000 }, control: {}, want: "good" },
  { name: "requests that the door refuses", canary: { requests: 100, refused: 60 }, control: {}, want: "doubtful" },
  { name: "requests that no reply was for", canary: { refused: 60 }, control: {}, want: "doubtful" },
  {
    name: "requests that all refuse",
    canary: { requests: 100, refused: 60 },
    control: { requests: 200, refused: 120 },
    want: "good",
  },
  { name: "19 requests are chance", canary: { requests: 100, refused: 19 }, control: {}, want: "good" },
  { name: "what fails is worse than doubt", canary: { failed: 5_000, waiting: 20_000 }, control: {}, want: "over" },
] as const;
for (const { name, canary, control, want } of doubts) {
  test(`gate: a window: ${name}`, () => {
    const usual = { attempted: 20_000, failed: 0, requests: 200, refused: 0 };
    assert.equal(evaluateWindow({ canary: { ...usual, ...canary }, control: { ...usual, ...control } }), want);
  });
}

test("gate: windows are in a row from the newest one that was begun anew, of one stage", () => {
  const group = { attempted: 1, failed: 0 };
  const counted = (["good", "over", "good", "doubtful"] as const).map((verdict, at) => {
    const stage = at === 0 ? ("node" as const) : ("region" as const);
    return { atMs: at, stage, canary: group, control: group, verdict, follows: at !== 2 };
  });
  assert.deepEqual(verdictsInARow(counted, "region"), ["good", "doubtful"]);
  assert.deepEqual(verdictsInARow(counted.slice(0, 2), "region"), ["over"]);
  assert.deepEqual(verdictsInARow([], "node"), []);
});

test("gate: a window has two Reports of the slowest in it", () => {
  assert.equal(windowMsOf([]), 30_000);
  assert.equal(windowMsOf([{ reportMs: 5_000 }, { reportMs: 45_000 }]), 90_000);
});

const rows: readonly { readonly of: readonly WindowVerdict[]; readonly want: string }[] = [
  { of: [], want: "waits" },
  { of: ["over"], want: "waits" },
  { of: ["good"], want: "waits" },
  { of: ["over", "over"], want: "halts" },
  { of: ["good", "over", "over"], want: "halts" },
  { of: ["over", "good", "over"], want: "waits" },
  { of: ["over", "too_little", "over"], want: "waits" },
  { of: ["good", "good"], want: "passes" },
  { of: ["over", "good", "good"], want: "passes" },
  { of: ["good", "too_little", "good"], want: "waits" },
  { of: ["good", "good", "too_little"], want: "waits" },
  { of: ["doubtful", "doubtful"], want: "waits" },
  { of: ["too_little", "too_little"], want: "waits" },
];
for (const { of, want } of rows) {
  test(`gate: ${of.length === 0 ? "no window" : of.join(", ")}: it ${want}`, () => {
    assert.equal(gateOf(of), want);
  });
}

function sample(id: string, more: Partial<CollectorSample>): [string, CollectorSample] {
  const one: CollectorSample = {
    id,
    region: "eu",
    incarnation: "one",
    isLive: true,
    isHealthy: true,
    version: 1,
    refuses: undefined,
    reason: "",
    attempted: 0,
    failed: 0,
    itemsPerSecond: 0,
    waiting: 0,
    requests: 0,
    refused: 0,
    reportMs: 5_000,
    ...more,
  };
  return [id, one];
}

test("gate: only who was there all the time, in one start and with one version, counts in a window", () => {
  const before = new Map([
    sample("canary", { version: 2, attempted: 100, failed: 10, waiting: 5, requests: 9, refused: 3 }),
    sample("late canary", { version: 1 }),
    sample("other", { attempted: 1_000, failed: 5, waiting: 9 }),
    sample("restarted", { attempted: 5_000 }),
    sample("older", { version: 0 }),
    sample("fell", { attempted: 900, failed: 0 }),
    sample("gone", {}),
  ]);
  const now = new Map([
    sample("canary", { version: 2, attempted: 150, failed: 30, waiting: 30, requests: 19, refused: 4 }),
    sample("late canary", { version: 2, attempted: 77 }),
    sample("other", { attempted: 4_000, failed: 6 }),
    sample("restarted", { incarnation: "two", attempted: 9_000 }),
    sample("older", { version: 0, attempted: 9_000 }),
    sample("fell", { attempted: 800, failed: 0 }),
    sample("new", { attempted: 9_000 }),
  ]);
  const canaries = new Set(["canary", "late canary"]);
  assert.deepEqual(windowBetween(before, now, { canaries, candidate: 2, base: 1 }), {
    canary: { attempted: 50, failed: 20, waiting: 25, requests: 10, refused: 1 },
    control: { attempted: 3_000, failed: 1, waiting: 0, requests: 0, refused: 0 },
  });
});
