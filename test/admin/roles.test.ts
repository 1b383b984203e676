import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

const ROLES = ["none", "viewer", "operator", "admin"] as const;
const CONFIG = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
  admin: { tokens: [{ role: viewer, value: viewer }, { role: operator, value: operator }, { role: admin, value: admin }] }
targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]
`;

const page = readFileSync(new URL("../../docs/reference/admin-roles.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| (?<verb>[A-Z]+) \| `(?<path>[^`]+)` \| (?<role>\w+) \| (?<changes>[^|]*) \|/gmu)];

test("roles: who may call what is as the page says, for every verb, path and role", async (t) => {
  await using scene = new Scene();
  const node = await scene.start(CONFIG);
  assert.ok(rows.length > 20, "the page has a table");
  for (const { groups } of rows) {
    const { verb = "", path = "", role = "" } = groups ?? {};
    const needed = ROLES.findIndex((one) => one === role);
    await t.test(`${verb} ${path}`, async () => {
      for (const [rank, caller] of ROLES.entries()) {
        const token = caller === "none" ? {} : { token: caller };
        const { status } = await callApi(node.addresses.admin, path.replaceAll(/\{\w+\}/gu, "x"), {
          method: verb,
          ...token,
        });
        const refused = caller === "none" ? 401 : 403;
        assert.equal(status === refused, rank < needed, `${caller}: ${status}`);
      }
    });
  }
  assert.equal(node.walk.status.version, 1);
});

test("roles: what the page says of changes is so: no GET makes any, and only an admin changes the config", () => {
  for (const { groups } of rows) {
    const { verb, role, changes = "" } = groups ?? {};
    if (changes.trim() === "") assert.notEqual(role, "admin");
    else assert.notEqual(verb, "GET");
    if (changes.includes("config")) assert.equal(role, "admin");
  }
});
