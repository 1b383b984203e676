import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_MEMORY } from "../../core/arena/extent.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import { planOf } from "../../../test/scenario/ledger-rig.ts";
import { poolPlan } from "../../../test/delivery/pool-rig.ts";
import { spans } from "../../../test/delivery/channel-rig.ts";
import { NO_LOSSES } from "../queue/losses.ts";
import { createRepartitioner } from "./repartition.ts";
import type { Parcel } from "../queue/parcel.ts";
import { Records } from "../queue/records.ts";
import { Settlement } from "../receive/settlement.ts";
import type { Reply } from "../receive/request.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";

const byKey = poolPlan({ division: { kind: "key", key: { from: "trace_id" } } });
const ownerOf = (hash: number): number => hash % 4;

function scene(
  bytes: Buffer,
  items: number,
): { records: Records; parcel: Parcel; replies: Reply[]; queued: () => number } {
  const ledger = createLedger();
  const entry = ledger.entry("traces", "r", "p");
  entry.received = items;
  const replies: Reply[] = [];
  const settlement = new Settlement({ rejected: 0, message: "" }, items, {
    replied: (reply) => void replies.push(reply),
  });
  settlement.expect();
  settlement.seal();
  const records = new Records({ ledger, losses: NO_LOSSES });
  const facts = {
    signal: "traces",
    region: "here",
    headers: NO_HEADERS,
    ack: "delivered",
    bytes: bytes.length,
    owner: OWN_MEMORY,
    items,
    points: items,
    shares: [{ rule: "r", pool: "p", points: items, copied: false }],
    enqueuedMs: 0,
    expiresMs: 1,
  } as const;
  const parcel = records.add(facts, [bytes], OWN_MEMORY, settlement);
  return { records, parcel, replies, queued: () => entry.queued };
}

test("the parts of a parcel settle it together: the sender hears once, the ledger counts each thing once", () => {
  const all = Array.from({ length: 12 }, (_, i) => ({ name: `n${i}`, trace: i }));
  const { records, parcel, replies, queued } = scene(spans(all), 12);
  const repartitioner = createRepartitioner(createMetrics());
  const partitions = repartitioner.partition(parcel, byKey, ownerOf);
  assert.ok(partitions.length > 1);
  const parts = records.divide(parcel, partitions);
  assert.equal(
    parts.reduce((sum, part) => sum + part.record.points, 0),
    12,
  );
  for (const [i, part] of parts.entries()) {
    assert.deepEqual([replies.length, queued() > 0], [0, true]);
    records.finish(part, { kind: "delivered", rejected: i === 0 ? 1 : 0, message: "" });
  }
  assert.deepEqual([replies, queued()], [[{ ok: true, rejected: 1, message: "" }], 0]);
});

const BROKEN = Buffer.from("0a0a120812060a04ffffffff", "hex"); // a span whose trace id is not there to its end
const divisions: { name: string; plan: PoolPlan; want: number }[] = [
  { name: "a pool that is not divided", plan: poolPlan(), want: 0 },
  { name: "a pool by key", plan: byKey, want: 0 },
  { name: "a pool by region", plan: poolPlan({ division: { kind: "regions", regions: ["eu", "us"] } }), want: 2 },
];
for (const { name, plan, want } of divisions) {
  test(`a parcel that cannot be read goes whole, for a target to check: ${name}`, () => {
    const { parcel } = scene(Buffer.concat([BROKEN, Buffer.from([0x0a, 0x05])]), 1);
    const partitions = createRepartitioner(createMetrics()).partition(parcel, plan, () => 0);
    assert.deepEqual(
      partitions.map(({ channel, bytes, items }) => [channel, bytes, items]),
      [[want, parcel.record.bytes, 1]],
    );
  });
}

test("the cases of a pool count what is left over as the last channel", () => {
  const text = `targets: [{ id: a, endpoint: "http://a.test:1" }]
pools: { p: { targets: [a], strategy: { type: content, cases: [{ conditions: [{ span_name: x }], targets: [a] }] } } }
default_pool: p`;
  const plan = planOf(text).pools.get("p")!;
  const { parcel } = scene(spans([{ name: "x" }, { name: "y" }, { name: "x" }]), 3);
  const partitions = createRepartitioner(createMetrics()).partition(parcel, plan, ownerOf);
  assert.deepEqual(
    partitions.map(({ channel, items }) => [channel, items]),
    [
      [0, 2],
      [1, 1],
    ],
  );
});
