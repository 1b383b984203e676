import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually, startWorkers } from "./worker-node.ts";

for (const via of ["grpc", "http"] as const) {
  test(`workers: a worker with most of the work is relieved of a connection (${via}), and no request fails`, async () => {
    const clock = new ManualClock();
    await using a = await openGrpcSink();
    await using node = await startWorkers(2, { default_pool: { targets: ["a"] } }, { a }, clock);
    const options = { via, address: node[via], service: "s", itemsPerRequest: 500, parallel: 1 } as const;
    const senders = [1, 2, 3, 4].map((source) => new Sender({ ...options, source }));
    for (const sender of senders) await sender.sendOne(); // 1 and 3 go to the first worker
    const connections = async (): Promise<number[]> => (await node.workers()).map((worker) => worker.connections);
    assert.deepEqual(await connections(), [2, 2]);
    const rates = async (): Promise<number[]> => (await node.workers()).map((worker) => worker.itemsPerSecond);
    // What has been sent so far is no work of now any more.
    await eventually(async () => {
      clock.advance(1_000);
      return (await rates()).every((rate) => rate === 0);
    });
    const busy = [senders[0]!, senders[2]!];
    for (const sender of busy) sender.start();
    const told = "a connection is asked away from a worker that has most of the work";
    await eventually(async () => {
      await Promise.all(busy.map((sender) => sender.progress(1)));
      clock.advance(1_000);
      await node.ledger(); // both answer, and so have answered before: none is taken for silent
      return node.logged(told).length > 0;
    });
    assert.deepEqual([node.logged(told)[0]?.["worker"], node.logged(told)[0]?.["to"]], [1, 2]);
    await eventually(async () => (await connections()).join(" ") === "1 3");
    await Promise.all(busy.map((sender) => sender.progress(5)));
    for (const sender of busy) await sender.stop();
    assert.deepEqual(
      senders.flatMap(({ failures }) => failures),
      [],
    );
    for (const sender of senders) await sender[Symbol.asyncDispose]();
  });
}
