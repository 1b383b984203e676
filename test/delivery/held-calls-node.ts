import { setImmediate as turn } from "node:timers/promises";
import { startTestNode } from "../support/node.ts";

/**
 * A node for held-calls.test.ts: says where it listens, and, whenever it is asked, how many
 * requests it holds, and how much of its heap is in use.
 */
const [a, b] = process.argv.slice(2).map((port) => `http://127.0.0.1:${port}`);
/** One batch of one parcel is under way in each pool: all others wait as they came. */
const one = { limits: { max_in_flight: 1 } };
const pool = { batch: { max_items: 1 } };

await using node = await startTestNode({
  targets: [
    { id: "a", endpoint: a, ...one },
    { id: "b", endpoint: b, ...one },
  ],
  pools: { a: { targets: ["a"], ...pool }, b: { targets: ["b"], ...pool } },
  rules: [{ id: "b", conditions: [{ service_name: "b" }], pool: "b" }],
  default_pool: "a",
  node: { shutdown_grace: "0s", workers: 0, listen: { otlp_grpc: { max_concurrent_streams: 1_000 } } },
});
const asked = Promise.withResolvers<void>();
process.on("message", () => void tell());
process.on("disconnect", asked.resolve);
process.send?.({ grpc: node.grpc });
await asked.promise;

async function tell(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await turn();
    globalThis.gc?.(); // at the end, so that nothing has come since
  }
  const held = node.env.metrics.admitInFlightRequests.with().value;
  process.send?.({ held, heapBytes: process.memoryUsage().heapUsed });
}
