import assert from "node:assert/strict";
import { test } from "node:test";
import { openRig } from "../../test/support/shared-config-rig.ts";
import { RouterError } from "../core/errors.ts";
import { initFleet } from "../store/recipes/identity.ts";
import { seededRandom } from "../core/random.ts";
import { fleetRollout } from "../control/rollout/fleet-rollout.ts";
import type { NodeFacts } from "./context.ts";
import { rolloutRoutes } from "./rollout-routes.ts";
import type { AdminReply } from "./route.ts";

const { signal } = new AbortController();
const FACTS: NodeFacts = { id: "n1", roles: [], version: "1", pid: 1, startedMs: 0, configFile: undefined };

function rig(memory?: Parameters<typeof fleetRollout>[1]) {
  const { store, clock, config } = openRig();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  const routes = rolloutRoutes({ facts: FACTS, rollout: fleetRollout(place, memory) });
  const call = async (method: string, end = "", by = ""): Promise<AdminReply> => {
    const route = routes.find((one) => one.method === method && one.path === `/api/v1/config/rollout${end}`);
    assert.ok(route !== undefined);
    const query = new URLSearchParams();
    const body = by === "" ? undefined : { text: JSON.stringify({ by }), type: "json" as const };
    const request = { params: {}, query, guard: undefined, role: "admin" as const, body };
    return route.handle({ ...request, header: () => undefined, signal: new AbortController().signal });
  };
  return { store, config, call, place };
}

function shortly({ status, body }: AdminReply): string {
  const { state = "", reason = "", detail = "" } = body as Record<string, string>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the reply of a test
  return [status, state, reason, detail].join(" ").trim();
}

test("a rollout is told, paused, resumed and ended; and what is over cannot be", async () => {
  const { config, call } = rig();
  assert.equal(shortly(await call("GET")), "200 none");
  assert.match(shortly(await call("POST", "/pause")), /^404 .*no config was ever staged/u);
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  assert.equal(shortly(await call("GET")), "200 running");
  assert.equal(shortly(await call("POST", "/pause")), "200 paused");
  assert.equal(shortly(await call("POST", "/pause")), "200 paused");
  assert.equal(shortly(await call("POST", "/resume")), "200 running");
  assert.equal(shortly(await call("POST", "/abort", "bob")), "200 aborted bob via n1 has ended it");
  assert.match(shortly(await call("POST", "/resume")), /^409 .*version 2 is tried no more: aborted/u);
  assert.equal(shortly(await call("GET")), "200 aborted bob via n1 has ended it");
});

test("a store that is away is said to be, and so is what stands there and is no rollout", async () => {
  const { store, call } = rig();
  store.put("/t/config/candidate", "by hand");
  assert.match(shortly(await call("GET")), /^503 .*what stands for a staged config is none/u);
  store.setAway("STORE_UNREACHABLE");
  assert.match(shortly(await call("GET")), /^503 .*the coordination store/u);
});

test("a node in the store of another fleet asks nothing of a rollout there", async () => {
  const minEpoch = { generation: 1, revision: 0n };
  const { config, call, place } = rig({ identity: { id: "mine", generation: 1, minEpoch } });
  await initFleet(place, { signal });
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  for (const end of ["/pause", "/abort"]) assert.match(shortly(await call("POST", end)), /^503 .*this node to/u);
  const read = await config.candidate({ signal });
  assert.ok(read.kind === "candidate" && read.candidate.state === "running" && !read.candidate.paused);
});

test("who has paused it, and who lets it go on, is told with the time", async () => {
  const { config, call } = rig();
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  const told = ({ body }: AdminReply): unknown[] => {
    const { paused_by: by, paused_at: at } = body as Record<string, string | null>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the reply of a test
    return [by, at === null ? at : Number.isFinite(Date.parse(at ?? ""))];
  };
  assert.deepEqual(told(await call("GET")), [null, null]);
  assert.deepEqual(told(await call("POST", "/pause", "ann")), ["ann via n1", true]);
  assert.deepEqual(told(await call("POST", "/pause", "eve")), ["ann via n1", true], "it was paused already");
  assert.deepEqual(told(await call("POST", "/resume", "bob")), ["bob via n1", true]);
  assert.deepEqual(told(await call("GET")), ["bob via n1", true]);
});

test("an end that was written, and whose answer is lost, is done", async () => {
  const { store, config, call } = rig();
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  const txn = store.txn.bind(store);
  store.txn = async (...asked) => {
    store.txn = txn;
    await txn(...asked);
    const read = await config.candidate({ signal });
    assert.ok(read.kind === "candidate");
    await config.update(read, { ...read.candidate, told: true }, { signal }); // whoever leads
    throw new RouterError("STORE_UNKNOWN", "the answer was lost");
  };
  assert.equal(shortly(await call("POST", "/abort", "bob")), "200 aborted bob via n1 has ended it");
  assert.match(shortly(await call("POST", "/abort", "bob")), /^409 .*tried no more: aborted/u);
});
