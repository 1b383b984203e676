import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BASE,
  obey,
  sampleOfFleet,
  type SimulatedNode,
  simulatedNodes,
  stagedCandidate,
  TRIED,
} from "../../../test/support/fleet/simulated-fleet.ts";
import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import { startOf } from "./collector-sample.ts";
import { evaluateWindow, windowBetween } from "./gate.ts";
import { type StageMemory, stepRollout } from "./rollout-step.ts";

/** Mostly whoever leads (3); others believe to lead for a while. */
const LOOKING = [3, 3, 3, 3, 3, 3, 0, 1, 2] as const;

/** What may happen to a fleet, in any order. */
const happenings = fc.array(
  fc.oneof(
    {
      weight: 150,
      arbitrary: fc.record({
        kind: fc.constant("refresh" as const),
        leader: fc.constantFrom(...LOOKING),
        ms: fc.nat(12_000),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("leads" as const), leader: fc.nat(2) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("restarts" as const), node: fc.nat(5), isStopped: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("suspect" as const), node: fc.nat(5), isLive: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("fails" as const), share: fc.constantFrom(0, 0, 0, 0.005, 0.2) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("traffic" as const),
        perSecond: fc.constantFrom(1, 3_000, 3_000, 3_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuses" as const), node: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("silent" as const), isSilent: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("paused" as const), isPaused: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("lost write" as const) }) },
  ),
  { minLength: 100, maxLength: 300, size: "max" },
);
type Happening = typeof happenings extends fc.Arbitrary<readonly (infer Each)[]> ? Each : never;

interface LeaderState {
  memory: StageMemory;
  epoch: string;
  sinceMs: number;
}

/** The store as leaders see it: what one writes is refused when another has written since. */
class World {
  readonly nodes: SimulatedNode[] = simulatedNodes({ eu: 4, us: 2 });
  stored: ConfigCandidate = stagedCandidate();
  revision = 1;
  nowMs = 1_000_000;
  share = 0;
  perSecond = 3_000;
  silent: string[] = [];
  readonly left = new Set<string>();
  isWriteLost = false;
  epochs = 1;
  isPromoted = false;
  readonly refusing = new Set<string>();
  readonly leaders: LeaderState[] = [0, 1, 2].map((at) => ({ memory: {}, epoch: `1.${at}`, sinceMs: 0 }));
  leading = 0;
  /** Stages for which an independent reckoning has seen two good windows in a row. */
  readonly proven = new Set<string>();

  happen(one: Happening): void {
    switch (one.kind) {
      case "refresh":
        return this.refresh(one.leader, one.ms);
      case "leads":
        this.leading = one.leader;
        this.leaders[one.leader] = { memory: {}, epoch: `1.${10 + this.epochs++}`, sinceMs: this.nowMs };
        return;
      case "restarts":
        if (one.isStopped) this.left.add(startOf(this.nodes[one.node]!));
        Object.assign(this.nodes[one.node]!, { incarnation: `r${this.nowMs}`, version: BASE, attempted: 0, failed: 0 });
        return;
      case "suspect":
        this.nodes[one.node]!.isLive = one.isLive;
        return;
      case "fails":
        this.share = one.share;
        return;
      case "traffic":
        this.perSecond = one.perSecond;
        return;
      case "refuses":
        this.refusing.add(this.nodes[one.node]!.id);
        return;
      case "silent":
        this.silent = one.isSilent ? ["us"] : [];
        return;
      case "paused":
        this.stored = { ...this.stored, paused: one.isPaused };
        this.revision++;
        return;
      case "lost write":
        this.isWriteLost = true;
        return;
      default:
        return one satisfies never;
    }
  }

  refresh(who: number, ms: number): void {
    const at = who === 3 ? this.leading : who;
    this.nowMs += ms;
    for (const node of this.nodes) {
      const items = (this.perSecond * ms) / 1_000;
      node.attempted += items;
      node.failed += node.version === TRIED ? items * this.share : 0;
    }
    const leader = this.leaders[at]!;
    const before = this.stored;
    const step = stepRollout(before, leader.memory, sampleOfFleet(this.nodes, this.silent, this.left), {
      nowMs: this.nowMs,
      wallMs: this.nowMs,
      epoch: leader.epoch,
      ledMs: this.nowMs - leader.sinceMs,
      runs: BASE,
    });
    // A leader that leads no more writes nothing: its leadership is compared.
    const isWritten = at === this.leading && !this.isWriteLost;
    if (step.candidate !== before && !isWritten) {
      this.isWriteLost = false;
      return;
    }
    leader.memory = step.memory;
    if (step.candidate !== before) this.check(before, step.candidate);
    this.stored = step.candidate;
    this.isPromoted ||= step.isPromoted;
    obey(this.nodes, this.stored, this.refusing);
  }

  /** Each stage that is left was seen to be good: reckoned from the windows that are written. */
  check(before: ConfigCandidate, after: ConfigCandidate): void {
    for (const stage of ["node", "region"] as const) {
      if (before.passed.includes(stage) || !after.passed.includes(stage)) continue;
      const isSkipped = stage === "region" && before.stage === "node";
      const windows = after.windows.filter((window) => window.stage === (isSkipped ? "node" : stage));
      const last = windows.slice(-2);
      assert.equal(last.length, 2, `${stage} was left without two windows`);
      assert.equal(last[1]?.follows, true, "they are not in a row");
      for (const window of last) {
        assert.equal(evaluateWindow(window), "good");
        // Of this leader: another one begins the stage again.
        assert.ok(window.atMs > before.startedMs, "a window of before");
      }
      assert.equal(before.paused, false, "it was paused");
      assert.equal(before.epoch, after.epoch, "another leader has begun it");
      this.proven.add(stage);
    }
  }
}

test("a candidate reaches the pointer only through each stage's gate, whoever leads, and whatever happens", () => {
  let promotions = 0;
  fc.assert(
    fc.property(happenings, (all) => {
      const world = new World();
      for (const one of all) {
        if (world.isPromoted) break;
        world.happen(one);
      }
      const { stored } = world;
      if (world.isPromoted) {
        promotions++;
        assert.deepEqual([...world.proven].toSorted(), ["node", "region"]);
        assert.equal(stored.state, "done");
        const late = world.nodes.filter(({ version, refuses }) => version !== TRIED && refuses === TRIED);
        assert.deepEqual(late, [], "somebody had refused it");
      } else assert.notEqual(stored.state, "done");
    }),
    { numRuns: 150, seed: 12 },
  );
  assert.ok(promotions > 5, `${promotions} promotions: the property says little`);
});

test("a window has both groups in the same time, and nobody in both", () => {
  const nodes = simulatedNodes({ eu: 6 });
  const canaries = new Set(["eu-0", "eu-1"]);
  for (const node of nodes) if (canaries.has(node.id)) node.version = TRIED;
  const before = new Map(sampleOfFleet(nodes).collectors.map((one) => [one.id, one]));
  for (const node of nodes) node.attempted += 10;
  const now = new Map(sampleOfFleet(nodes).collectors.map((one) => [one.id, one]));
  const { canary, control } = windowBetween(before, now, { canaries, candidate: TRIED, base: BASE });
  assert.deepEqual([canary.attempted, control.attempted], [20, 40]);
});
