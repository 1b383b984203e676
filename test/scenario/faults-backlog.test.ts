import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTestNode, type TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { hung, OK, type SinkScript } from "../support/sinks/sink-script.ts";
import { account, Sender, until } from "./fault-sender.ts";

const REQUESTS = 50;
const ITEMS = 5;
const SENSES = "health_check: { interval: 50ms, timeout: 1s }, ejection: { rest: 500ms, max_rest: 1s }";
const RETRY = "retry: { initial: 10ms, max: 100ms }";

/** `timeout`: short only for the one that hangs. */
function target(id: string, protocol: string, timeout = "60s"): string {
  return `{ id: ${id}, endpoint: "http://127.0.0.1:1", protocol: ${protocol}, timeout: ${timeout}, ${SENSES}, limits: { max_in_flight: 2 } }`;
}

async function isOut(node: TestNode, id: string): Promise<boolean> {
  const state = (await node.status()).targets.find((one) => one.id === id)?.state;
  return state === "ejected" || state === "down";
}

/** All of them acknowledged, one after the other. */
async function fill(sender: Sender): Promise<void> {
  for (let i = 0; i < REQUESTS; i++) assert.equal((await sender.sendOne()).answer.kind, "taken");
}

/** Looks well, and takes nothing: what is sent to it waits. */
const onlyChecks: SinkScript = ({ items }) => (items === 0 ? OK : { kind: "hang" });

/**
 * Items wait in the pool's queue, however long the node takes to begin, and whatever it thinks of
 * the target meanwhile.
 */
async function fillQueue(node: TestNode, pool: string, sender: Sender): Promise<void> {
  await until(async () => {
    await fill(sender);
    return (await node.metric("queueItems", pool)) > 0;
  });
}

// Most of their time they wait until a target has rested: together.
describe("the backlog of a target that is down", { concurrency: true }, () => {
  for (const protocol of ["grpc", "http/protobuf"]) {
    const openSink = protocol === "grpc" ? openGrpcSink : openHttpSink;

    test(`${protocol}: what was acknowledged while a pool's only target was down arrives when it is back`, async () => {
      await using a = await openSink();
      const text = `targets: [${target("a", protocol)}]
pools: { p: { targets: [a], ack: queued, when_down: hold, ${RETRY} } }
default_pool: p`;
      await using node = await startTestNode(text, { sinks: { a } });
      await using sender = new Sender({
        via: "grpc",
        address: node.grpc,
        source: 1,
        service: "s",
        itemsPerRequest: ITEMS,
      });
      await a.kill();
      await until(() => isOut(node, "a"));
      await fill(sender);
      assert.equal((await node.ledger()).queued, REQUESTS * ITEMS);
      await a.start();
      await until(async () => (await node.ledger()).queued === 0);
      assert.deepEqual(account([sender], [a]), { acknowledged: REQUESTS * ITEMS, lost: 0, duplicates: 0 });
      assert.deepEqual([(await node.ledger()).delivered, (await node.ledger()).lost], [REQUESTS * ITEMS, 0]);
    });

    for (const fault of ["is killed", "hangs"] as const) {
      test(`${protocol}: when a pool's only target ${fault}, its backlog moves to the fallback, and new data comes back to it`, async () => {
        await using a = await openSink({ script: onlyChecks });
        await using b = await openSink();
        const text = `targets: [${target("a", protocol, "2s")}, ${target("b", protocol)}]
pools:
  p: { targets: [a], ack: queued, fallback: q, ${RETRY} }
  q: { targets: [b], ack: queued, ${RETRY} }
default_pool: p`;
        await using node = await startTestNode(text, { sinks: { a, b } });
        await using sender = new Sender({
          via: "grpc",
          address: node.grpc,
          source: 1,
          service: "s",
          itemsPerRequest: ITEMS,
        });
        await fillQueue(node, "p", sender);
        a.script = hung;
        if (fault === "is killed") await a.kill();
        await until(async () => (await node.ledger()).queued === 0);
        assert.deepEqual(account([sender], [b]), { acknowledged: sender.taken * ITEMS, lost: 0, duplicates: 0 });
        const moved = (await node.series("poolFailover")).filter(({ labels }) => labels[2] === "backlog");
        assert.ok(
          moved.some(({ value }) => value > 0),
          "nothing moved out of the queue",
        );

        a.script = () => OK;
        await a.start();
        await until(async () => !(await isOut(node, "a")));
        const before = a.tally.counts().distinct;
        while (a.tally.counts().distinct === before) assert.equal((await sender.sendOne()).answer.kind, "taken");
        await until(async () => (await node.ledger()).queued === 0);
        const { lost, duplicates } = account([sender], [a, b]);
        assert.deepEqual([lost, duplicates, (await node.ledger()).lost], [0, 0, 0]);
      });
    }
  }
});
