import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import type { LedgerRow } from "../../src/core/snapshot.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { answers, flapping, hung, slow } from "../support/sinks/sink-script.ts";
import { Sender, type SenderOptions, until } from "./fault-sender.ts";
import { assertConserved, ledgerOfApi, ledgerOfMetrics, outcomesOf, withoutZeros } from "./ledger-views.ts";

/** Requests of each sender. */
const REQUESTS = 40;
const ITEMS = 5;
/** Of each request that the target takes in part. */
const REJECTED = 2;
const DOWN = 'endpoint: "http://127.0.0.1:1"';

/** One service for each way in which items can end. */
function configOf(unmatched: "refuse" | "drop"): string {
  return `
unmatched: ${unmatched}
targets:
  - { id: narrow, ${DOWN}, limits: { max_in_flight: 1 } }
  - { id: hanging, ${DOWN}, timeout: 100ms }
  - { id: web, ${DOWN}, protocol: http/protobuf }
pools:
  plain: { targets: [good, web, shaky], strategy: round_robin, retry: { initial: 5ms, max: 20ms } }
  everyone: { targets: [good, web], strategy: broadcast }
  partial: { targets: [partial] }
  strict: { targets: [strict] }
  narrow: { targets: [narrow], queue: { max_bytes: 4KiB } }
  hanging: { targets: [hanging], when_down: hold }
  forgetful: { targets: [hanging], ack: queued, queue: { max_age: 300ms } }
  gone: { targets: [hanging], when_down: refuse, retry: { max_retries: 0 } }
rules:
  - { id: copy, priority: high, mode: copy, conditions: [{ service_name: copied }, { sample_rate: 0.5 }], pool: everyone }
  - { id: copied, conditions: [{ service_name: copied }], pool: plain }
  - { id: plain, conditions: [{ service_name: plain }], pool: plain }
  - { id: everyone, conditions: [{ service_name: everyone }], pool: everyone }
  - { id: partial, conditions: [{ service_name: partial }], pool: partial }
  - { id: strict, conditions: [{ service_name: strict }], pool: strict }
  - { id: narrow, conditions: [{ service_name: narrow }], pool: narrow }
  - { id: hasty, conditions: [{ service_name: hasty }], pool: hanging }
  - { id: forgetful, conditions: [{ service_name: forgetful }], pool: forgetful }
  - { id: gone, conditions: [{ service_name: gone }], pool: gone }
  - { id: fickle, conditions: [{ service_name: fickle }], pool: hanging }
`;
}

async function openSinks(owned: AsyncDisposableStack): Promise<Record<string, Sink>> {
  const partial = { kind: "partial", rejected: REJECTED, message: "two were bad" } as const;
  const bad = { kind: "status", code: GRPC.INVALID_ARGUMENT, message: "bad" } as const;
  const unavailable = { kind: "status", code: GRPC.UNAVAILABLE } as const;
  return {
    good: owned.use(await openGrpcSink({ script: slow(3) })),
    shaky: owned.use(await openGrpcSink({ script: flapping(3, 2, unavailable) })),
    web: owned.use(await openHttpSink({ script: slow(2) })),
    partial: owned.use(await openGrpcSink({ script: () => partial })),
    strict: owned.use(await openGrpcSink({ script: () => bad })),
    narrow: owned.use(await openGrpcSink({ script: slow(20) })),
    hanging: owned.use(await openGrpcSink({ script: hung })),
  };
}

/** Keeps four requests under way until all were answered. */
async function sendAll(sender: Sender): Promise<void> {
  let left = REQUESTS;
  const one = async (): Promise<void> => {
    const prepared = sender.prepare();
    while (left-- > 0) await sender.sendOne(prepared);
  };
  await Promise.all([one(), one(), one(), one()]);
}

/** Goes away as soon as its request has arrived, again and again. */
async function sendAndLeave(sender: Sender, signal: Signal, node: TestNode): Promise<void> {
  const received = async (): Promise<number> => {
    const row = (await node.rows()).find((one) => one.signal === signal && one.rule === "fickle");
    return row?.received ?? 0;
  };
  for (let i = 1; i <= 10; i++) {
    const leaving = new AbortController();
    const sent = sender.sendOne(sender.prepare(), leaving.signal);
    await until(async () => (await received()) === i * ITEMS);
    leaving.abort();
    assert.equal((await sent).answer.kind, "broken");
  }
}

/** Looks at the ledger from all sides, over and over, until it is told to stop. */
async function watchLedger(node: TestNode, stop: AbortSignal): Promise<number> {
  let looks = 0;
  while (!stop.aborted) {
    await node.assertBalanced();
    assertConserved(await ledgerOfApi(node.admin));
    await node.assertBalanced();
    assertConserved(await ledgerOfMetrics(node.admin));
    looks++;
  }
  return looks;
}

/** Reasons and items of one kind, of one rule. */
function reasonsOf(
  rows: readonly LedgerRow[],
  rule: string,
  kind: "shed" | "lost" | "dropped",
): Readonly<Record<string, number>> {
  return rows.find((row) => row.rule === rule && row.received > 0)?.[kind] ?? {};
}

for (const [signal, unmatched] of [
  ["traces", "refuse"],
  ["logs", "drop"],
] as const) {
  test(`ledger of ${signal}: balances at every moment under load, whatever becomes of the items; unmatched ${unmatched}`, async () => {
    await using owned = new AsyncDisposableStack();
    const node = owned.use(await startTestNode(configOf(unmatched), { sinks: await openSinks(owned) }));
    const senders = openSenders(node, owned, signal);
    const stop = new AbortController();
    const watching = watchLedger(node, stop.signal);
    const sending = senders.map((sender) =>
      sender.service === "fickle" ? sendAndLeave(sender, signal, node) : sendAll(sender),
    );
    await Promise.all(sending);
    await until(async () => (await node.ledger()).queued === 0);
    stop.abort();
    assert.ok((await watching) > 5, "the ledger was looked at under load");

    const [told, of] = [withoutZeros(outcomesOf(await node.rows())), senderOf(senders)];
    assert.deepEqual(withoutZeros(await ledgerOfApi(node.admin)), told);
    assert.deepEqual(withoutZeros(await ledgerOfMetrics(node.admin)), told);
    assertPerRule(await node.rows(), of, unmatched);
  });
}

function openSenders(node: TestNode, owned: AsyncDisposableStack, signal: Signal): Sender[] {
  const services = ["plain", "copied", "everyone", "partial", "strict", "narrow", "forgetful", "gone", "nobody"];
  const common = { address: node.grpc, via: "grpc", signal, itemsPerRequest: ITEMS, parallel: 4 } as const;
  const all: SenderOptions[] = services.map((service, i) => ({ ...common, service, source: i + 1 }));
  all.push({ ...common, service: "hasty", source: 50, timeoutMs: 150 });
  all.push({ ...common, service: "fickle", source: 51, via: "http", address: node.http });
  return all.map((options) => owned.use(new Sender(options)));
}

type SenderOf = (service: string) => Sender;

function senderOf(senders: readonly Sender[]): SenderOf {
  return (service) => senders.find((sender) => sender.service === service)!;
}

/** What the senders were told is what the ledger says. */
function assertPerRule(rows: readonly LedgerRow[], of: SenderOf, unmatched: "refuse" | "drop"): void {
  const row = (rule: string): (typeof rows)[number] => rows.find((r) => r.rule === rule && r.received + r.copied > 0)!;
  const all = REQUESTS * ITEMS;
  for (const rule of ["plain", "copied", "everyone"]) {
    assert.equal(row(rule).delivered, of(rule).taken * ITEMS, rule);
  }
  const { copied, delivered } = row("copy");
  assert.ok(copied > 0 && copied < all, `${copied} copies of ${all} items`);
  assert.equal(delivered, copied);
  assert.equal(row("partial").rejected + row("partial").delivered, all);
  assert.ok(row("partial").rejected > 0);
  assert.deepEqual([row("strict").rejected, of("strict").taken], [all, 0]);
  const narrow = reasonsOf(rows, "narrow", "shed");
  assert.ok(narrow["queue_full"]! > 0 && row("narrow").delivered > 0, JSON.stringify(row("narrow")));
  assert.equal(of("narrow").failures.length * ITEMS, narrow["queue_full"]);
  // Which of these it is hangs on the machine: the node answers, or the attempt ends first, or the
  // sender goes away.
  const { deadline: late = 0, target_failed: cut = 0, cancelled = 0 } = reasonsOf(rows, "hasty", "shed");
  assert.equal(late + cut + cancelled, row("hasty").received, JSON.stringify(row("hasty")));
  assert.ok(reasonsOf(rows, "gone", "shed")["no_target"]! > 0, JSON.stringify(row("gone")));
  assert.ok(reasonsOf(rows, "fickle", "shed")["cancelled"]! > 0, JSON.stringify(row("fickle")));
  const { deadline = 0, target_failed: failed = 0 } = reasonsOf(rows, "forgetful", "lost");
  // Which of the two it is for a parcel hangs on when its last retry was due.
  assert.deepEqual([deadline + failed, of("forgetful").taken], [all, REQUESTS]);
  const kind = unmatched === "drop" ? "dropped" : "shed";
  assert.deepEqual(reasonsOf(rows, "(none)", kind), { unrouted: all });
  assert.equal(of("nobody").taken, unmatched === "drop" ? REQUESTS : 0);
}

test("ledger: a node that stops with queues that are not empty accounts for what it gave up", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const text = `
node: { shutdown_grace: 50ms }
pools: { early: { targets: [a], ack: queued }, late: { targets: [a] } }
rules: [{ id: early, conditions: [{ service_name: early }], pool: early }]
default_pool: late`;
  const node = await startTestNode(text, { sinks: { a: sink } });
  await using early = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "early" });
  await using late = new Sender({ via: "grpc", address: node.grpc, source: 2, service: "late" });
  for (let i = 0; i < 20; i++) assert.equal((await early.sendOne()).answer.kind, "taken");
  const waiting = late.sendOne();
  await until(async () => (await node.ledger()).received === 21 * ITEMS);
  assert.equal((await node.ledger()).queued, 21 * ITEMS);
  const { leftItems, drained } = await node.stop();
  assert.deepEqual([leftItems, drained], [21 * ITEMS, false]);
  assert.equal((await waiting).answer.kind, "refused");
  assert.deepEqual(reasonsOf(await node.rows(), "early", "lost"), { shutting_down: 20 * ITEMS });
  assert.deepEqual(reasonsOf(await node.rows(), "(default)", "shed"), { shutting_down: ITEMS });
  await node[Symbol.asyncDispose]();
});

test("ledger: metrics are counted by data points, those that a target rejected too", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "partial", rejected: 3, message: "three" }) });
  await using node = await startTestNode("{}", { sinks: { a: sink } });
  const options = { via: "http", address: node.http, source: 1, service: "s", signal: "metrics" } as const;
  await using sender = new Sender({ ...options, itemsPerRequest: 10 });
  const { answer } = await sender.sendOne();
  assert.ok(answer.kind === "taken");
  assert.deepEqual([answer.rejected, sink.counts().requests], [3, 1]);
  const { received, rejected, delivered } = await node.ledger("metrics");
  assert.ok(received >= 10);
  assert.deepEqual([rejected, delivered], [3, received - 3]);
});
