import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { callApi } from "../admin/api-client.ts";
import { startTestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { account, Sender, until } from "./fault-sender.ts";

/** The file as people write it; the endpoints are those of the sinks. */
const textOf = (a: Sink, b: Sink): string => `# Everything goes to a, until somebody says otherwise.
node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
targets:
  - id: a # the old one
    endpoint: ${a.url}
  - id: b # the new one
    endpoint: ${b.url}
pools:
  main: { targets: [a] }
default_pool: main # what no rule matches
`;

interface Stage {
  readonly file: string;
  readonly a: Sink;
  readonly b: Sink;
}

async function openStage(owned: AsyncDisposableStack): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-table-"));
  owned.defer(() => rmSync(directory, { recursive: true, force: true }));
  const [a, b] = [owned.use(await openGrpcSink()), owned.use(await openGrpcSink())];
  const file = join(directory, "signalbox.yaml");
  return { file, a, b };
}

test("rules, pools and targets change by the API under load: nothing fails, is lost or sent twice, and the comments stay", async () => {
  await using owned = new AsyncDisposableStack();
  const { file, a, b } = await openStage(owned);
  const node = owned.use(await startTestNode(textOf(a, b), { file }));
  writeFileSync(file, textOf(a, b)); // as people write it, not as the test's config was completed
  await node.running.reload();
  const senders = [1, 2, 3].map((source) =>
    owned.use(
      new Sender({ via: "grpc", address: node.grpc, source, service: "checkout", signal: "traces", parallel: 2 }),
    ),
  );
  for (const sender of senders) sender.start();
  const call = async (route: string, body?: unknown): Promise<void> => {
    const [method = "", path = ""] = route.split(" ");
    const answer = await callApi(node.admin, `/api/v1/${path}`, { method, body });
    assert.equal(answer.status, 200, `${route}: ${answer.text}`);
    const sent = senders.map((sender) => sender.sent.length);
    await until(() => senders.every((sender, i) => sender.sent.length > (sent[i] ?? 0) + 5));
  };
  const before = node.running.walk.status.version;
  for (let round = 0; round < 3; round++) {
    await call("POST pools", { name: "second", targets: ["b"] });
    await call("POST rules", { id: "checkout", conditions: [{ service_name: "checkout" }], pool: "second" });
    await call("PUT targets/b", { endpoint: b.url, weight: 2 + round });
    await call("PUT pools/main", { targets: ["a", "b"] });
    await call("DELETE rules/checkout");
    await call("DELETE pools/second");
    await call("POST targets/a/drain", { for: "1m" });
    await call("POST targets/a/ready");
    await call("POST config/rollback", { to: before });
  }
  await Promise.all(senders.map((sender) => sender.stop()));
  await until(async () => (await node.ledger()).queued === 0);
  const told = account(senders, [a, b]);
  assert.deepEqual(
    senders.flatMap(({ failures }) => failures),
    [],
  );
  assert.deepEqual([told.lost, told.duplicates], [0, 0]);
  for (const { wire } of senders) assert.deepEqual([wire.ended, wire.resets, wire.closeNotices], [0, 0, 0]);
  assert.equal(readFileSync(file, "utf8"), textOf(a, b));
  const list = JSON.parse((await callApi(node.admin, "/api/v1/config/versions")).text) as { by: string }[];
  assert.deepEqual(
    list.slice(0, 7).map(({ by }) => by),
    ["rollback", "api", "api", "api", "api", "api", "api"],
  );
});

test("a drained target gets nothing, over a restart too, until it is ready again", async () => {
  await using owned = new AsyncDisposableStack();
  const { file, a, b } = await openStage(owned);
  const config = textOf(a, b).replace("targets: [a]", "targets: [a, b], strategy: round_robin");
  const received = (sink: Sink): number => sink.counts().acceptedItems;
  const drive = async (address: string, source: number): Promise<[number, number]> => {
    const before = [received(a), received(b)];
    const sender = owned.use(new Sender({ via: "grpc", address, source, service: "s", signal: "logs", parallel: 1 }));
    sender.start();
    await until(() => sender.sent.length > 20);
    await sender.stop();
    return [received(a) - before[0]!, received(b) - before[1]!];
  };
  const first = owned.use(await startTestNode(config, { file }));
  const drain = await callApi(first.admin, "/api/v1/targets/a/drain", { body: { note: "moves to the cellar" } });
  assert.equal(drain.json()["state"], "drain", drain.text);
  assert.deepEqual((await drive(first.grpc, 1))[0], 0);
  await first.stop();
  const second = owned.use(await startTestNode(readFileSync(file, "utf8"), { file }));
  const state = (await callApi(second.admin, "/api/v1/targets/a")).json();
  assert.deepEqual([state["state"], state["note"]], ["drain", "moves to the cellar"]);
  assert.deepEqual((await drive(second.grpc, 2))[0], 0);
  await callApi(second.admin, "/api/v1/targets/a/ready", { method: "POST" });
  const [toA, toB] = await drive(second.grpc, 3);
  assert.ok(toA > 0 && toB > 0, `${toA} and ${toB}`);
});
