import assert from "node:assert/strict";
import { test } from "node:test";
import { RETRY_MS } from "../../src/data/resolve/name-watch.ts";
import { HeldClock } from "../support/held-clock.ts";
import { startTestNode } from "../support/node.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { spans } from "./channel-rig.ts";

const TTL_MS = 30_000;
const ID = "dns:gateways.test:9";

test("what a pool finds by a name is told of by the API, explain and metrics, and a name that fails keeps what it had", async () => {
  const resolver = new ScriptedResolver();
  const clock = new HeldClock(0.8 * RETRY_MS);
  const targets = { dns: "gateways.test:9", health_check: false };
  await using node = await startTestNode({ default_pool: { targets } }, { resolver, clock });
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const answer = await fetch(`http://${node.admin}/api/v1/${path}`, init);
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  const shown = async (): Promise<string[]> => {
    const target = await ask(`targets/${encodeURIComponent(ID)}`);
    assert.ok(typeof target === "object" && target !== null && "addresses" in target);
    return (target.addresses as { address: string; state: string }[]).map(
      ({ address, state }) => `${address} ${state}`,
    );
  };
  resolver.find(["127.0.0.2", "127.0.0.1"], TTL_MS);
  assert.deepEqual(await shown(), ["127.0.0.1 ready", "127.0.0.2 ready"]);

  clock.run(0.8 * TTL_MS, TTL_MS - 1);
  resolver.fail();
  assert.deepEqual(await shown(), ["127.0.0.1 ready", "127.0.0.2 ready"]);
  assert.deepEqual(
    [await node.metric("targetResolutions", ID, "found"), await node.metric("targetResolutions", ID, "failed")],
    [1, 1],
  );

  const bytes = spans([{ name: "one" }]);
  const explained = await node.running.dataPlane.explain({ signal: "traces", bytes, headers: {}, maxItems: 1 });
  assert.match(JSON.stringify(explained), /"dns:gateways\.test:9"/u);

  await ask(`targets/${encodeURIComponent(ID)}/drain`, { method: "POST" });
  assert.deepEqual(
    (await node.status()).targets.map(({ id, state }) => [id, state]),
    [[ID, "drain"]],
  );
});
