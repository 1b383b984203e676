import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { ConfigWalk } from "../apply.ts";
import type { FleetIdentity } from "../../store/recipes/identity.ts";
import type { ApplyOutcome } from "../apply-outcome.ts";
import { loadDocument } from "../document/prepare.ts";
import { digestOf } from "../fleet/directive.ts";
import type { TruthNews } from "./config-truth.ts";
import { FleetFollower } from "./fleet-follower.ts";
import type { FleetStart } from "./fleet-start.ts";
import type { LastGood } from "./last-good.ts";

const { config } = loadDocument("targets: []\n", { name: "test", folder: "/", env: {} });
const INVALID: ApplyOutcome = {
  kind: "invalid",
  problems: [{ severity: "error", path: "pools", message: "there is no such pool" }],
};

const OURS: FleetIdentity = { id: "f", generation: 1, minEpoch: { generation: 1, revision: 0n } };

function rig(from: FleetStart["from"] = "nothing") {
  assert.ok(config !== undefined);
  const kept: LastGood[] = [];
  const disk: { isReady?: Promise<void> } = {};
  const runs: { version: number; text: string; last?: ApplyOutcome } = { version: 1, text: "one" };
  const status: ConfigWalk["status"] = {
    get last() {
      return runs.last;
    },
    get version() {
      return runs.version;
    },
    get text() {
      return runs.text;
    },
    digest: "",
    running: config,
    appliedMs: 0,
    restartRequired: [],
  };
  const prepared = { config, text: "one", problems: [], changed: [], taints: [], unrouted: [] };
  const start: FleetStart = { from, prepared, version: 1, author: "ann", note: "", trouble: undefined };
  const log = recordedLog(new ManualClock());
  const memory: { identity: FleetIdentity | undefined } = { identity: from === "bootstrap" ? undefined : OURS };
  const learnt: string[] = [];
  const follower = new FleetFollower(start, {
    prefix: "/t",
    walk: {
      status,
      async follow({ version, text }) {
        if (text === "bad") return INVALID;
        Object.assign(runs, { version, text });
        return { kind: "applied", version, digest: "", warnings: [], restartRequired: [], changed: [], leaving: [] };
      },
    },
    memory,
    learnt: () => void learnt.push(memory.identity?.id ?? "nobody"),
    lastGood: {
      read: async () => ({ good: kept.at(-1), damaged: undefined }),
      async write(good) {
        await disk.isReady;
        kept.push(good);
      },
    },
    log,
    metrics: createMetrics(),
  });
  const follow = (version: number, text: string, triedFor?: number): Promise<ApplyOutcome> =>
    follower.followVersion({ version, sha256: digestOf(text), author: "", note: "", triedFor }, text);
  return { follower, follow, kept, disk, runs, start, log, memory, learnt };
}

test("what is tried is never kept as what ran last; once all run it, it is", async () => {
  const { follower, follow, kept, start } = rig("store");
  await follower.started(start);
  assert.deepEqual(
    kept.map(({ version }) => version),
    [1],
  );
  await follow(2, "two", 1);
  assert.deepEqual([follower.tries, follower.fleetRuns, kept.length], [true, 1, 1]);
  await follow(1, "one");
  assert.deepEqual([follower.tries, kept.length], [false, 1]);
  await follow(2, "two", 1);
  await follow(2, "two");
  assert.deepEqual([follower.tries, follower.fleetRuns], [false, 2]);
  assert.deepEqual(
    kept.map(({ version }) => version),
    [1, 2],
  );
});

for (const from of ["store", "disk"] as const) {
  test(`a node that began with what the ${from} has goes back to it without asking anybody`, async () => {
    const { follower, follow, start } = rig(from);
    await follower.started(start);
    await follow(2, "two", 1);
    assert.equal(follower.textOf(digestOf("one")), "one");
    assert.equal(follower.textOf(digestOf("two")), "two");
    assert.equal(follower.textOf(digestOf("three")), undefined);
  });
}

test("a candidate that cannot be run here is told in the acknowledgement, and is no trouble of this node", async () => {
  const { follower, follow, runs, log } = rig();
  await follow(1, "one");
  assert.equal((await follow(2, "bad", 1)).kind, "invalid");
  assert.deepEqual([follower.tries, follower.fleetRuns, runs.version], [false, 1, 1]);
  assert.equal(follower.status.trouble, undefined);
  assert.deepEqual(follower.status.acknowledged, {
    version: 2,
    digest: digestOf("bad"),
    result: "invalid",
    reason: "there is no such pool",
  });
  assert.ok(log.lines.some((line) => line.includes("a staged config cannot be run here")));
  await follow(3, "bad");
  assert.deepEqual(
    [follower.status].map(({ trouble }) => trouble?.kind),
    ["bad"],
  );
});

test("what all workers end with is told as what cannot be run here, and is not what a start begins with", async () => {
  const last: ApplyOutcome = { kind: "failed", reason: "all workers ended with version 2: 1 runs again" };
  for (const how of ["tried", "published"] as const) {
    const { follower, follow, runs, start, kept } = rig("store");
    const told: (string | undefined)[] = [];
    follower.whenRefused(() => told.push(follower.status.acknowledged?.result));
    await follower.started(start);
    await follow(2, "two", how === "tried" ? 1 : undefined);
    Object.assign(runs, { version: 1, text: "one", last });
    await follower.takenBack(2);
    assert.deepEqual(told, ["failed"]);
    const { acknowledged, trouble } = follower.status;
    assert.deepEqual([acknowledged?.version, acknowledged?.reason], [2, last.reason]);
    assert.deepEqual([follower.tries, follower.textOf(digestOf("two"))], [false, undefined]);
    assert.equal(follower.textOf(digestOf("one")), "one");
    assert.equal(kept.at(-1)?.version, 1);
    assert.equal(trouble?.kind, how === "tried" ? undefined : "bad");
    await follower.takenBack(2);
    assert.equal(told.length, 1, "once");
  }
});

test("what all workers end with while it is being written is not what a start begins with either", async () => {
  const { follower, follow, runs, start, kept, disk } = rig("store");
  await follower.started(start);
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.isReady = promise;
  const written = follow(2, "two");
  await turn();
  Object.assign(runs, { version: 1, text: "one", last: { kind: "failed", reason: "all workers ended" } });
  const takenBack = follower.takenBack(2);
  resolve();
  await Promise.all([written, takenBack]);
  assert.equal(follower.status.acknowledged?.result, "failed");
  assert.deepEqual(
    kept.map(({ version }) => version),
    [1, 2, 1],
  );
});

test("workers that end with a version that is not the newest, or runs again, say nothing of what runs", async () => {
  const { follower, follow, start } = rig("store");
  await follower.started(start);
  await follow(2, "two");
  await follow(3, "three");
  await follower.takenBack(2);
  assert.equal(follower.status.acknowledged?.result, "applied");
  await follower.takenBack(3);
  assert.equal(follower.status.acknowledged.result, "applied", "it runs again already");
});

test("a version that cannot be applied is told at once, with what is known of it; one that is, is not", async () => {
  const { follower, follow } = rig();
  const told: (number | undefined)[] = [];
  follower.whenRefused(() => told.push(follower.status.acknowledged?.version));
  await follow(2, "two");
  assert.deepEqual(told, []);
  await follow(3, "bad");
  assert.deepEqual(told, [3]);
});

test("a store that is away for a moment takes no node off what it tries; another version does", async () => {
  const { follower, follow, runs, start, kept } = rig("store");
  await follower.started(start);
  await follow(2, "two", 1);
  const hear = (...news: TruthNews[]): Promise<void> =>
    follower.follow({ watch: () => tell(news) }, new AbortController().signal);
  await hear({ kind: "trouble", trouble: { kind: "unreachable", reason: "it is away", hint: "" } });
  assert.equal(follower.status.trouble?.kind, "unreachable");
  await hear({ kind: "document", version: 1, text: "one", again() {} });
  assert.deepEqual([runs.version, follower.tries, follower.fleetRuns], [2, true, 1]);
  assert.equal(follower.status.trouble, undefined);
  await hear({ kind: "document", version: 3, text: "three", again() {} });
  assert.deepEqual([runs.version, follower.tries, follower.fleetRuns, kept.at(-1)?.version], [3, false, 3, 3]);
});

test("a node that has learnt whose it is, and has nothing of that fleet to run, is told so once", async () => {
  const { follower, memory, learnt } = rig("bootstrap");
  follower.trouble({ kind: "unreachable", reason: "it is away", hint: "" });
  assert.deepEqual(learnt, []);
  memory.identity = OURS;
  follower.trouble({ kind: "none", reason: "it has no config", hint: "" });
  follower.trouble({ kind: "none", reason: "it has none yet", hint: "" });
  assert.deepEqual(learnt, ["f"]);

  const other = rig("bootstrap");
  other.memory.identity = OURS;
  await other.follow(2, "two");
  other.follower.trouble({ kind: "unreachable", reason: "it is away", hint: "" });
  assert.deepEqual(other.learnt, [], "what runs knew it");
});

async function* tell(news: readonly TruthNews[]): AsyncGenerator<TruthNews> {
  yield* news;
}
