import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

const CONFIG = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]
`;

/** Ids of threads count up. */
async function newestThread(): Promise<number> {
  const worker = new Worker("", { eval: true });
  const { threadId } = worker;
  await worker.terminate();
  return threadId;
}

test("of forty documents at once, one thread reads what is taken; whoever sent the others is told when to come again", async () => {
  await using scene = new Scene();
  const node = await scene.start(CONFIG);
  const rules = Array.from({ length: 200 }, (_, i) => ({
    id: `r${i}`,
    conditions: [{ service_name: `s${i}` }],
    targets: ["a"],
  }));
  const body = { targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }], rules, unmatched: "drop" };
  const before = await newestThread();
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => callApi(node.addresses.admin, "/api/v1/config/validate", { body })),
  );
  for (const answer of answers) {
    if (answer.status === 429) assert.equal(answer.headers["retry-after"], "1");
    else assert.deepEqual([answer.status, answer.json()["valid"]], [200, true]);
  }
  assert.ok(answers.filter(({ status }) => status === 200).length >= 8);
  assert.equal((await newestThread()) - before, 2, "one, and the one that this test counts with");
});
