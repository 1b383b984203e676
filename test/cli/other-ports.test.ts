import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestNode } from "../support/node.ts";
import { runCli } from "./run-cli.ts";

test("whatever port of a node is named that is not the admin API: exit code 7, and what to name", async () => {
  await using node = await startTestNode({ targets: [{ id: "a", endpoint: "http://127.0.0.1:9" }] });
  for (const address of [node.http, node.grpc]) {
    const ran = await runCli(["config", "get", "--url", address]);
    assert.equal(ran.code, 7, ran.err);
    assert.match(ran.err, /node\.listen\.admin/u);
    assert.equal(ran.out, "");
    assert.ok(!/Parse Error|HPE_/u.test(ran.err), ran.err);
  }
  assert.match((await runCli(["config", "get", "--url", node.http])).err, /is not the admin API/u);
});
