import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Scene } from "../server/scene.ts";
import { type ApiAnswer, type ApiOptions, callApi } from "./api-client.ts";

const TEXT = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
targets: [{ id: a, endpoint: "http://127.0.0.1:14317" }]
pools: { main: { targets: [a] } }
default_pool: main
`;

/** One after the other, on one node. */
const calls: { call: string; body?: unknown; status: number; want?: RegExp }[] = [
  { call: "GET regions", status: 200, want: /^\[\]/u },
  { call: "POST regions", body: { retry: {} }, status: 422, want: /"path": "id"/u },
  { call: "POST regions?before=eu", body: { id: "us" }, status: 400, want: /no order/u },
  { call: "POST regions", body: { id: "eu", routing_preference: ["a"] }, status: 200, want: /"regions/u },
  { call: "POST regions", body: { id: "eu" }, status: 409, want: /already/u },
  { call: "GET regions", status: 200, want: /^\[\s+\{\s+"id": "eu"/u },
  { call: "GET regions/eu", status: 200, want: /"routing_preference": \[\s+"a"/u },
  { call: "GET regions/us", status: 404, want: /no region us/u },
  { call: "PUT regions/eu", body: { id: "eu", batch: { max_items: 9 } }, status: 200, want: /"regions\.eu\.batch/u },
  { call: "PUT regions/eu", body: { rate: 1 }, status: 422, want: /"path": "regions\.eu\.rate"/u },
  { call: "PUT regions/eu", body: { id: "us" }, status: 422, want: /this is the region eu/u },
  { call: "PUT regions/us", body: {}, status: 404 },
  { call: "DELETE regions/eu", status: 200, want: /"regions/u },
  { call: "DELETE regions/eu", status: 404 },
];

test("regions are listed, added, read, changed and removed as other elements are, and what is wrong is told", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  for (const { call, body, status, want = /^/u } of calls) {
    const [method = "", path = ""] = call.split(" ");
    const answer = await callApi(node.addresses.admin, `/api/v1/${path}`, { method, body });
    assert.deepEqual([call, answer.status], [call, status], answer.text);
    assert.match(answer.text, want, call);
  }
});

test("a region that is registered by the API holds on this node at once, and stands in the file; removed, the defaults hold", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  const call = (what: string, options: ApiOptions = {}): Promise<ApiAnswer> => {
    const [method = "", path = ""] = what.split(" ");
    return callApi(node.addresses.admin, `/api/v1/${path}`, { method, ...options });
  };
  const retries = (): (number | undefined)[] =>
    scene.plane.applied.map(({ pools }) => pools.get("main")?.retry.maxRetries);
  const said = async (): Promise<unknown> =>
    (JSON.parse((await call("GET node")).text) as Record<string, unknown>)["region_settings"];
  assert.equal(await said(), "defaults");
  const body = { id: "default", retry: { max_retries: 3 } };
  assert.equal((await call("POST regions", { body })).status, 200);
  assert.match(readFileSync(scene.file, "utf8"), /regions:\n {2}default:\n {4}retry:\n {6}max_retries: 3\n/u);
  assert.equal(await said(), "region");
  assert.equal((await call("DELETE regions/default", { headers: { "if-match": '"1"' } })).status, 412);
  assert.equal((await call("DELETE regions/default", { headers: { "if-match": '"2"' } })).status, 200);
  assert.equal(await said(), "defaults");
  assert.deepEqual(retries(), [3, undefined]);
});
