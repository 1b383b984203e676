import assert from "node:assert/strict";
import { test } from "node:test";
import { readExplainInput } from "../../src/plan/explain-input.ts";
import { callApi } from "../admin/api-client.ts";
import { startTestNode } from "../support/node.ts";

const RULES = 2_000;
const ITEMS = 300;
const CONFIG = {
  targets: [{ id: "a", endpoint: "http://127.0.0.1:9" }],
  pools: { p: { targets: ["a"] } },
  rules: Array.from({ length: RULES }, (_, i) => ({ id: `r${i}`, conditions: [{ span_name: `s${i}` }], pool: "p" })),
  default_pool: "p",
};
const spans = Array.from({ length: ITEMS }, (_, i) => ({
  name: `s${i}`,
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
}));
const REQUEST = { resourceSpans: [{ scopeSpans: [{ spans }] }] };

test("an explanation of many items by many rules lets everything else go on between two items, and ends", async () => {
  await using node = await startTestNode(CONFIG);
  const input = readExplainInput(Buffer.from(JSON.stringify(REQUEST)), "traces");
  assert.ok(input.ok);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  const aside = node.running.dataPlane.explain({ signal: "traces", bytes: input.bytes, maxItems: ITEMS });
  setImmediate(count);
  const { items, total_items: total } = await aside;
  isOver = true;
  const most = Math.floor(250_000 / (RULES + 1));
  assert.deepEqual([items.length, total], [most, ITEMS]);
  assert.ok(turns >= most - 1, `${turns} turns`);
  const whole = await node.running.dataPlane.explain({ signal: "traces", bytes: input.bytes, maxItems: 3 });
  assert.deepEqual(whole.items, items.slice(0, 3), "the same is told");
});

test("whoever asks for more than that is told so, and of many who ask at once at least four are answered", async () => {
  await using node = await startTestNode(CONFIG);
  const body = { request: REQUEST, max_items: ITEMS };
  const answers = await Promise.all(Array.from({ length: 8 }, () => callApi(node.admin, "/api/v1/explain", { body })));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  assert.deepEqual(statuses.slice(0, 4), [200, 200, 200, 200]);
  for (const answer of answers) {
    if (answer.status === 429) assert.equal(answer.headers["retry-after"], "1");
    else assert.match(String(answer.json()["note"]), /^the rules are many: only the first 124 items are explained$/u);
  }
});

test("a request that nests a hundred thousand levels deep is refused in plain words", async () => {
  await using node = await startTestNode(CONFIG);
  const body = `{"request":${'{"a":'.repeat(100_000)}1${"}".repeat(100_001)}`;
  const headers = { "content-type": "application/json" };
  const answer = await callApi(node.admin, "/api/v1/explain", { body, headers });
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.text, /nested too deeply/u);
});
