import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { createElection } from "../../src/store/recipes/election.ts";
import { createLock } from "../../src/store/recipes/lock.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

const { signal } = new AbortController();

function configWith(node: string): string {
  const listen = 'otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" }';
  return `node: { listen: { ${listen} }, ${node} }\ntargets: [{ id: a, endpoint: http://127.0.0.1:14317 }]\n`;
}

test("locks and leaders of a node's own store are told, and it is opened when somebody asks", async () => {
  await using scene = new Scene();
  const node = await scene.start(configWith("data_dir: kept"));
  const file = join(scene.directory, "kept", "store.sqlite");
  assert.equal(existsSync(file), false);
  const none = await callApi(node.addresses.admin, "/api/v1/locks");
  assert.deepEqual([none.status, JSON.parse(none.text)], [200, []]);

  const [clock, random] = [systemClock, seededRandom(1)];
  await using store = await openStore({ kind: "embedded", file }, { clock, random, observer: UNOBSERVED });
  const place = { store, prefix: "/signalbox", clock, random };
  await using guard = await createLock(place, "backup", { holder: "job-1" }).acquire({ signal });
  await using global = await createElection(place, "global").campaign("a".repeat(5_000), { signal, id: "n1" });
  const locks = JSON.parse((await callApi(node.addresses.admin, "/api/v1/locks")).text) as Record<string, unknown>[];
  const { since, ...rest } = locks[0]!;
  assert.deepEqual(rest, { name: "backup", holder: "job-1", epoch: `1.${guard.epoch}`, waiting: 0, waiters: [] });
  assert.match(String(since), /^\d{4}-.*Z$/u);
  const leaders = (await callApi(node.addresses.admin, "/api/v1/leader")).json();
  const { id, epoch, value } = leaders["global"] as Record<string, unknown>;
  assert.deepEqual([id, epoch, value], ["n1", `1.${global.epoch}`, `${"a".repeat(4_095)}…`]);
  const ask = async (body: object): Promise<[number, unknown]> => {
    const reply = await callApi(node.addresses.admin, "/api/v1/leader/transfer", { method: "POST", body });
    return [reply.status, reply.json()["outcome"] ?? reply.json()["kind"]];
  };
  assert.deepEqual(await ask({ to: "n1" }), [200, "leads_already"]);
  assert.deepEqual(await ask({ to: "n2" }), [404, "no_candidate"]);
  assert.deepEqual(await ask({ scope: "region.eu" }), [404, "nobody_leads"]);
  assert.equal((await ask({ scope: "job" }))[0], 422);
  const page = await callApi(node.addresses.admin, "/metrics");
  assert.match(page.text, /signalbox_store_call_duration_seconds_count\{operation="list",outcome="done"\} \d/u);
});

test("a store that does not answer is told as 503, and the node runs on", async () => {
  await using scene = new Scene();
  const node = await scene.start(
    configWith(
      'coordination: { type: consul, endpoints: ["http://127.0.0.1:1"], token: hunter2-hunter2 }, fleet: { bootstrap: true }',
    ),
  );
  const reply = await callApi(node.addresses.admin, "/api/v1/locks");
  assert.equal(reply.status, 503);
  assert.match(reply.text, /the coordination store: /u);
  assert.ok(!reply.text.includes("hunter2"));
  assert.equal((await callApi(node.addresses.admin, "/readyz")).status, 200);
});
