import assert from "node:assert/strict";
import { test } from "node:test";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

const DOCUMENT = `# the fleet
node:
  id: n1
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
  admin:
    tokens:
      - { role: viewer, value: viewer-token }
      - { role: operator, value: operator-token }
      - { role: admin, value: admin-token }
targets:
  - { id: a, endpoint: "http://127.0.0.1:14317", headers: { x-key: target-secret } } # a
  - { id: b, endpoint: "http://127.0.0.1:24317" }
pools:
  main: { targets: [a, b] }
rules:
  - { id: r, conditions: [{ service_name: checkout }], pool: main }
default_pool: main
`;

for (const name of ["__proto__", "a b", "x".repeat(64)]) {
  for (const section of ["pools", "rules", "targets"]) {
    test(`names: nothing in ${section} is called ${name.slice(0, 10)}, and that is told plainly`, async () => {
      await using scene = new Scene();
      const node = await scene.start(DOCUMENT);
      const key = section === "pools" ? "name" : "id";
      const value = { pools: { targets: ["a"] }, rules: { pool: "main" }, targets: { endpoint: "http://x:1" } }[
        section
      ];
      const body = { [key]: name, ...value };
      const answer = await callApi(node.addresses.admin, `/api/v1/${section}`, { body, token: "admin-token" });
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.text, /is not a valid name/u);
      for (const method of ["GET", "DELETE"]) {
        const path = `/api/v1/${section}/${encodeURIComponent(name)}`;
        assert.equal((await callApi(node.addresses.admin, path, { method, token: "admin-token" })).status, 404);
      }
    });
  }
}

test("names: a document with such a name is refused plainly, too", async () => {
  await using scene = new Scene();
  const node = await scene.start(DOCUMENT);
  for (const type of ["json", "yaml"]) {
    const body = '{ "targets": [], "pools": { "__proto__": { "targets": ["a"] } } }';
    const headers = { "content-type": `application/${type}` };
    const answer = await callApi(node.addresses.admin, "/api/v1/config", {
      method: "PUT",
      body,
      headers,
      token: "admin-token",
    });
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /the key \\"__proto__\\" is not allowed/u);
  }
});
