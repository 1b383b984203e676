import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { hung, OK, slow } from "../support/sinks/sink-script.ts";
import { account, Sender, type Sent } from "./fault-sender.ts";
import { NodeProcess } from "./shutdown-process.ts";

/** Longer than a busy machine takes: who waits for all of it has hung. */
const GRACE_MS = 60_000;
const CONFIG = `
node: { shutdown_grace: ${GRACE_MS}ms }
pools: { p: { targets: [a] } }
default_pool: p
`;

function senders(node: NodeProcess, owned: AsyncDisposableStack): Sender[] {
  const common = { service: "s", parallel: 3, pauseMs: 1 };
  const [grpc, http] = [node.address("otlp_grpc"), node.address("otlp_http")];
  return [
    owned.use(new Sender({ ...common, via: "grpc", address: grpc, source: 1 })),
    owned.use(new Sender({ ...common, via: "grpc", address: grpc, source: 2 })),
    owned.use(new Sender({ ...common, via: "http", address: http, source: 3 })),
    owned.use(new Sender({ ...common, via: "http", address: http, source: 4 })),
  ];
}

/**
 * Of a sender: requests that ended without an answer, apart from those that were not to be sent any
 * more: no connection was to be had, or the stream was begun after the GOAWAY, which every client
 * of gRPC sends again elsewhere.
 */
function cutOff({ sent }: { readonly sent: readonly Sent[] }): string[] {
  return sent.flatMap(({ answer }) =>
    answer.kind === "broken" && !/ECONNREFUSED|REFUSED_STREAM/u.test(answer.message) ? [answer.message] : [],
  );
}

test("SIGTERM under load: not ready, every request is answered, connections are asked to end, exit code 0", async () => {
  await using a = await openGrpcSink({ script: slow(20) });
  await using node = await NodeProcess.start(CONFIG, { a });
  await using owned = new AsyncDisposableStack();
  const load = senders(node, owned);
  for (const sender of load) sender.start();
  await a.until(({ accepted }) => accepted >= 20);
  const ready = `http://${node.address("admin")}/readyz`;
  assert.equal((await fetch(ready)).status, 200);
  // Something stays under way until /readyz was asked.
  const asked = Promise.withResolvers<void>();
  a.script = () => ({ kind: "held", until: asked.promise, next: OK });
  const before = a.counts().requests;
  await a.until(({ requests }) => requests > before);
  node.kill("SIGTERM");
  await node.logged("signalbox stops: no longer ready, draining");
  const answer = await fetch(ready);
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /shutting down/u);
  asked.resolve();
  assert.equal(await node.ended, 0);
  await Promise.all(load.map((sender) => sender.stop()));

  assert.deepEqual(load.flatMap(cutOff), []);
  for (const { wire } of load) assert.ok(wire.closeNotices > 0 && wire.resets === 0, JSON.stringify({ ...wire }));
  const { acknowledged, lost, duplicates } = account(load, [a]);
  assert.deepEqual([acknowledged >= 100, lost, duplicates], [true, 0, 0]);
  const { drained, left_items: leftItems } = await node.logged("signalbox stopped");
  assert.deepEqual([drained, leftItems], [true, 0]);
});

test("SIGTERM: what was acknowledged on entering the queue is delivered before the end", async () => {
  await using a = await openGrpcSink({ script: hung });
  const target = `{ id: a, endpoint: "http://127.0.0.1:1", timeout: 60s, health_check: false, ejection: { failures: 1000 }, limits: { max_in_flight: 1 } }`;
  const pool = "{ targets: [a], ack: queued, batch: { max_items: 5, max_wait: 5s } }";
  const text = `node: { shutdown_grace: ${GRACE_MS}ms }\ntargets: [${target}]\npools: { p: ${pool} }\ndefault_pool: p`;
  await using node = await NodeProcess.start(text, { a });
  await using sender = new Sender({ via: "grpc", address: node.address("otlp_grpc"), source: 1, service: "s" });
  for (let i = 0; i < 40; i++) assert.equal((await sender.sendOne()).answer.kind, "taken");
  await a.until(({ requests }) => requests >= 1);
  await a.kill(); // what hangs there was not taken
  a.script = slow(5);
  await a.start();
  node.kill("SIGTERM");
  assert.equal(await node.ended, 0);
  assert.deepEqual(account([sender], [a]), { acknowledged: 200, lost: 0, duplicates: 0 });
  assert.equal((await node.logged("signalbox stopped"))["drained"], true);
});

test("a target that hangs: the end comes after the grace, tells what was given up, and who waited was told to try again", async () => {
  await using a = await openGrpcSink({ script: hung });
  await using node = await NodeProcess.start(CONFIG.replace(`${GRACE_MS}ms`, "500ms"), { a });
  await using grpc = new Sender({ via: "grpc", address: node.address("otlp_grpc"), source: 1, service: "s" });
  await using http = new Sender({ via: "http", address: node.address("otlp_http"), source: 2, service: "s" });
  const waiting = [grpc.sendOne(), http.sendOne()];
  await a.until(() => a.requests.reduce((sum, { items }) => sum + items, 0) === 10); // in one batch or in two
  const startedMs = performance.now();
  node.kill("SIGTERM");
  assert.equal(await node.ended, 0);
  const tookMs = performance.now() - startedMs;
  assert.deepEqual(node.strayLines, []);
  assert.ok(tookMs >= 500, `ended after ${tookMs} ms`);
  const told = await node.logged("signalbox stopped before its queues were empty");
  assert.deepEqual([told["level"], told["drained"], told["left_items"]], ["error", false, 10]);
  const answers = (await Promise.all(waiting)).map(({ answer }) => answer);
  assert.deepEqual(
    answers.map((answer) => (answer.kind === "refused" ? [answer.code, answer.retryMs !== undefined] : answer)),
    [
      [GRPC.UNAVAILABLE, true],
      [503, true],
    ],
  );
});

test("a second signal ends the process at once with 1", async () => {
  await using a = await openGrpcSink({ script: hung });
  await using node = await NodeProcess.start(CONFIG, { a });
  await using sender = new Sender({ via: "grpc", address: node.address("otlp_grpc"), source: 1, service: "s" });
  const cut = sender.sendOne();
  await a.until(({ requests }) => requests >= 1);
  node.kill("SIGTERM");
  await node.logged("signalbox stops: no longer ready, draining");
  node.kill("SIGINT");
  assert.equal(await node.ended, 1);
  await node.logged("second signal: ends at once");
  assert.equal((await cut).answer.kind, "broken");
});

test("SIGTERM without anything to do ends at once, also with idle connections", async () => {
  await using a = await openGrpcSink({ script: () => OK });
  await using node = await NodeProcess.start(CONFIG, { a });
  await using owned = new AsyncDisposableStack();
  const load = senders(node, owned);
  for (const sender of load) assert.equal((await sender.sendOne()).answer.kind, "taken");
  node.kill("SIGTERM");
  assert.equal(await node.ended, 0);
  const { took_ms: tookMs } = await node.logged("signalbox stopped");
  assert.ok(Number(tookMs) < GRACE_MS, `${String(tookMs)} ms`);
  for (const { wire } of load) assert.equal(wire.resets, 0);
});
