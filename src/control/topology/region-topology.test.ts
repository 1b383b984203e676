import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { ControllerLink } from "../fleet/controller-link.ts";
import { type ControllerAddress, MembersReplySchema, type MembersRequest } from "../fleet/messages.ts";
import { RegionSource } from "./region-topology.ts";
import { Topology } from "./topology.ts";

const { signal } = new AbortController();
const C1 = { id: "c1", address: "c1:4321", tls: false };
const C2 = { id: "c2", address: "c2:4321", tls: false };

test("topology of a collector without a store: its region, as the controller that it follows sees it", async () => {
  let followed: ControllerAddress | undefined = C1;
  let isReached = true;
  const log: string[] = [];
  const ids = Array.from({ length: 250 }, (_, i) => `n${1_000 + i}`);
  const openLink = (controller: ControllerAddress): ControllerLink => ({
    controller,
    call: async (_method, asked) => {
      const { after = "", limit } = asked as MembersRequest;
      if (!isReached) return { kind: "unreachable", reason: "gone" };
      const rest = ids.filter((id) => id > after);
      const members = rest.slice(0, limit).map((id) => ({
        id,
        region: "eu",
        incarnation: "i",
        health: { state: "healthy" },
        load: { items_per_second: 2, latency_ms: 10 },
      }));
      const next = rest.length > limit ? { next: rest[limit - 1] } : {};
      const reply = MembersReplySchema.parse({ protocol: 1, region: "eu", members, ...next });
      return { kind: "reply", reply: reply as never, sent: {} as never };
    },
    [Symbol.asyncDispose]: async () => void log.push(`closed ${controller.id}`),
  });
  const source = new RegionSource({ region: "eu", controller: () => followed, openLink });
  const topology = new Topology({ source, clock: new ManualClock(), random: seededRandom(1) });
  const view = await topology.read({ limit: 10, signal });
  const [region] = view.regions;
  assert.deepEqual(
    [region?.id, region?.health, region?.controller, region?.collectors_total, region?.collectors.length, region?.next],
    ["eu", "healthy", "c1", 250, 10, "n1009"],
  );
  assert.deepEqual([view.totals.items, view.totals.latency_ms, view.stale], [500, 10, false]);
  const members = await topology.members({ signal });
  const [first] = members;
  assert.deepEqual([members.length, first?.id, first?.region, first?.seen_by], [250, "n1000", "eu", ["c1"]]);
  followed = C2;
  await topology.read({ limit: 1, signal });
  assert.deepEqual(log, ["closed c1"]);
  isReached = false;
  const old = await topology.read({ limit: 10, signal });
  assert.deepEqual([old.stale, old.regions[0]?.collectors.length], [true, 1], "what was told last");
  followed = undefined;
  const alone = await topology.read({ limit: 10, signal });
  assert.deepEqual([alone.regions[0]?.health, alone.regions[0]?.controller, alone.stale], ["unhealthy", null, true]);
  isReached = true;
  followed = C2;
  assert.equal((await topology.read({ limit: 10, signal })).stale, false, "by a way that is opened anew");
  await source[Symbol.asyncDispose]();
  assert.deepEqual(new Set(log), new Set(["closed c1", "closed c2"]));
});
