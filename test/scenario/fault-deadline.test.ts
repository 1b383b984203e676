import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { startTestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { hung, OK } from "../support/sinks/sink-script.ts";
import { Sender, until } from "./fault-sender.ts";

const DEADLINE_MS = 300;
/** One call at a time: whatever comes while that hangs, waits in the queue. */
const LIMITS = "limits: { max_in_flight: 1 }";

// They wait for a call to a target that hangs to end: together.
describe("deadlines at a target that hangs", { concurrency: true }, () => {
  for (const protocol of ["grpc", "http/protobuf"]) {
    // Long enough that whoever is patient is answered on any machine.
    const text = `
node: { limits: { request_timeout: 60s } }
targets: [{ id: a, endpoint: "http://127.0.0.1:1", protocol: ${protocol}, ${LIMITS} }]
pools: { p: { targets: [a], when_down: hold } }
default_pool: p`;
    const openSink = protocol === "grpc" ? openGrpcSink : openHttpSink;

    test(`${protocol}: a deadline that passes at a target that hangs is told as DEADLINE_EXCEEDED, with a delay`, async () => {
      await using a = await openSink({ script: hung });
      await using node = await startTestNode(text, { sinks: { a } });
      const hasty = { via: "grpc", address: node.grpc, service: "s", timeoutMs: DEADLINE_MS } as const;
      await using sender = new Sender({ ...hasty, source: 1 });
      for (let i = 0; i < 3; i++) {
        const { answer, tookMs } = await sender.sendOne();
        assert.ok(answer.kind === "refused", JSON.stringify(answer));
        assert.deepEqual([answer.code, answer.retryMs !== undefined], [GRPC.DEADLINE_EXCEEDED, true], answer.message);
        // A tenth before the sender gives up. That it was told by the node, and not by its own
        // clock, shows in the delay.
        assert.ok(tookMs >= 0.9 * DEADLINE_MS - 2, `answered after ${tookMs} ms`);
      }
      await until(async () => (await node.ledger()).queued === 0); // the batch at the target ends by itself
      assert.equal((await node.ledger()).shed, 15);
    });

    test(`${protocol}: what waited in the queue beyond its deadline is not sent afterwards`, async () => {
      await using a = await openSink({ script: hung });
      await using node = await startTestNode(text, { sinks: { a } });
      await using patient = new Sender({ via: "http", address: node.http, source: 1, service: "s" });
      const hasty = { via: "grpc", address: node.grpc, service: "s", timeoutMs: DEADLINE_MS } as const;
      await using sender = new Sender({ ...hasty, source: 2 });
      const first = patient.sendOne();
      await a.until(({ requests }) => requests >= 1);
      const late = await Promise.all([sender.sendOne(), sender.sendOne()]);
      for (const { answer } of late) assert.equal(answer.kind === "refused" && answer.code, GRPC.DEADLINE_EXCEEDED);
      a.script = () => OK;
      assert.equal((await first).answer.kind, "taken");
      assert.equal((await patient.sendOne()).answer.kind, "taken");
      assert.deepEqual(a.tally.counts(), { seen: 10, distinct: 10, duplicates: 0, beyond: 0 });
      assert.deepEqual([(await node.ledger()).shed, (await node.ledger()).delivered], [10, 10]);
    });

    test(`${protocol}: what a sender that went away had not sent yet is not sent`, async () => {
      await using a = await openSink({ script: hung });
      await using node = await startTestNode(text, { sinks: { a } });
      await using patient = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s" });
      const first = patient.sendOne();
      await a.until(({ requests }) => requests >= 1);
      for (const [source, via, address] of [
        [2, "grpc", node.grpc],
        [3, "http", node.http],
      ] as const) {
        await using hurried = new Sender({ via, address, source, service: "s" });
        const leaving = new AbortController();
        const gone = hurried.sendOne(hurried.prepare(), leaving.signal);
        await until(async () => (await node.ledger()).received === source * 5);
        leaving.abort();
        assert.equal((await gone).answer.kind, "broken");
        await until(async () => (await node.metric("errors", "default", "cancelled")) === source - 1);
      }
      a.script = () => OK;
      assert.equal((await first).answer.kind, "taken");
      assert.equal((await patient.sendOne()).answer.kind, "taken");
      assert.deepEqual(a.tally.counts(), { seen: 10, distinct: 10, duplicates: 0, beyond: 0 });
      assert.deepEqual([(await node.ledger()).shed, (await node.ledger()).queued], [10, 0]);
    });
  }
});
