import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { completeConfig, startTestNode, type TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { slow } from "../support/sinks/sink-script.ts";
import { account, Sender, until } from "./fault-sender.ts";
import { BAD_FILES, someConfig } from "./reload-configs.ts";

/** 60 with RELOAD_SECONDS=60. */
const SECONDS = Number(process.env["RELOAD_SECONDS"] ?? 6);
const CHANGES_PER_SECOND = 10;
const SERVICES = ["checkout", "cart", "payment", "other"];

interface Sinks {
  readonly a: Sink;
  readonly b: Sink;
  readonly c: Sink;
}

/**
 * Now and then the targets change places: another address, and maybe another protocol, under the
 * same id.
 */
function textOf(seed: number, { a, b, c }: Sinks): string {
  const [first, second, third] = seed % 4 === 0 ? [b, c, a] : [a, b, c];
  let text = someConfig(seed);
  for (const [id, sink] of Object.entries({ a: first, b: second, c: third })) {
    text = text
      .replaceAll(`ENDPOINT-${id}`, sink.url)
      .replaceAll(`PROTOCOL-${id}`, sink === c ? "http/protobuf" : "grpc");
  }
  return completeConfig(text);
}

function openSenders(node: TestNode, owned: AsyncDisposableStack): Sender[] {
  const signals = ["traces", "logs", "metrics"] as const;
  return Array.from({ length: 6 }, (_, i) => {
    const via = i % 2 === 0 ? "grpc" : "http";
    const address = via === "grpc" ? node.grpc : node.http;
    const service = SERVICES[i % SERVICES.length]!;
    return owned.use(new Sender({ via, address, source: i + 1, service, signal: signals[i % 3]!, parallel: 2 }));
  });
}

/** The ways in which a config file changes, in turn. */
async function change(nth: number, file: string, text: string, node: TestNode): Promise<void> {
  switch (nth % 3) {
    case 0:
      writeFileSync(file, text);
      return;
    case 1:
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
      return;
    default:
      writeFileSync(file, text);
      await node.running.reload();
  }
}

test(`reload storm: ${CHANGES_PER_SECOND} changes a second under load fail, lose, duplicate and disconnect nothing`, async (t) => {
  await using owned = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "signalbox-reload-"));
  owned.defer(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "signalbox.yaml");
  const sinks = {
    a: owned.use(await openGrpcSink({ script: slow(2) })),
    b: owned.use(await openGrpcSink({ script: slow(5) })),
    c: owned.use(await openHttpSink({ script: slow(2) })),
  };
  const node = owned.use(await startTestNode(textOf(1, sinks), { file }));
  const senders = openSenders(node, owned);
  for (const sender of senders) sender.start();
  const beganMs = performance.now();

  const { walk } = node.running;
  let version = walk.status.version;
  for (let nth = 0; nth < SECONDS * CHANGES_PER_SECOND; nth++) {
    const bad = nth % 7 === 6 ? BAD_FILES[nth % BAD_FILES.length] : undefined;
    const next = new Promise((resolve) => setTimeout(resolve, 1_000 / CHANGES_PER_SECOND));
    await change(nth, file, bad ?? textOf(nth + 2, sinks), node);
    await next;
    assert.ok(walk.status.version >= version, "the version never falls");
    version = walk.status.version;
    await node.assertBalanced();
  }
  await Promise.all(senders.map((sender) => sender.stop()));
  // A change is counted when it is in the history, too, a little after the version has it.
  // All of it is read at one moment: the last change may be applied at any other.
  const { configApplies } = node.env.metrics;
  let [applied, invalid, failed] = [0, 0, 0];
  const counted = (): boolean => {
    version = walk.status.version;
    applied = configApplies.with("applied").value;
    invalid = configApplies.with("invalid").value;
    failed = configApplies.with("failed").value;
    return version === 1 + applied;
  };
  await until(async () => (await node.ledger()).queued === 0 && counted());

  const total = senders.reduce((sum, { sent }) => sum + sent.length, 0);
  const told = account(senders, Object.values(sinks));
  const diagnostic = { seconds: SECONDS, requests: total, version, applied, invalid, failed, ...told };
  t.diagnostic(JSON.stringify({ ...diagnostic, ledger: await node.ledger() }));

  assert.deepEqual(
    senders.flatMap(({ failures }) => failures),
    [],
  );
  assert.deepEqual([told.lost, told.duplicates, told.acknowledged], [0, 0, total * 5]);
  // Of several workers, the one with most of the work may ask a connection away, once in 30 s.
  const isOne = (await node.status()).workers.length < 2;
  const asked = isOne ? 0 : 1 + Math.floor((performance.now() - beganMs) / 30_000);
  const wires = senders.map(({ wire }) => wire);
  const [ended, resets, notices] = [
    wires.reduce((sum, wire) => sum + wire.ended, 0),
    wires.reduce((sum, wire) => sum + wire.resets, 0),
    wires.reduce((sum, wire) => sum + wire.closeNotices, 0),
  ];
  assert.ok(ended <= asked && notices <= asked, `${ended} ended, ${notices} with notice`);
  assert.equal(resets, 0);
  // Every third change is applied by name. Of the others a busy machine may see two at once, and
  // only the newer one.
  assert.ok(version > SECONDS * 2, `only ${version} versions in ${SECONDS} s`);
  assert.deepEqual([failed, invalid > 0], [0, true]);
  const { received, delivered, queued } = await node.ledger();
  assert.deepEqual([delivered, queued], [received, 0]);
});
