import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetStatus } from "../plan/data-plane.ts";
import { poolView, targetView } from "./views.ts";

const said = "no: https://user:s3cret@host/v1?api_key=s3cret";
const shown = "no: https://[redacted]@host/v1?api_key=[redacted]";
const losses = { items: 1, reason: "bad_data", target: "a", said, atMs: 0 } as const;

const TARGET: TargetStatus = {
  id: "a",
  endpoint: "http://127.0.0.1:1",
  region: "r",
  weight: 1,
  state: "ready",
  reason: "start",
  sinceMs: 0,
  nextTryMs: undefined,
  inFlight: 0,
  window: 1,
  latencyMs: undefined,
  latencyCalls: 0,
  paused: { untilMs: 0, said },
  refuses: [{ signal: "logs", sinceMs: 0, nextTryMs: 0, said }],
  errorRate: 0,
  learnedMaxBytes: undefined,
  share: 1,
  score: 0,
  note: "",
  untilMs: undefined,
  check: { atMs: 0, result: "failed", said },
  losses,
  addresses: [],
};

test("views: what targets say is shown without passwords and keys, wherever it is shown", () => {
  const view = targetView(TARGET);
  assert.equal(JSON.stringify(view).split(shown).length - 1, 4);
  assert.doesNotMatch(JSON.stringify(view), /s3cret/u);
  const pool = poolView({
    name: "p",
    strategy: "round_robin",
    targets: ["a"],
    fallback: undefined,
    queuedBytes: 0,
    queuedItems: 0,
    inFlight: 0,
    usable: 1,
    losses,
  });
  assert.doesNotMatch(JSON.stringify(pool), /s3cret/u);
});
