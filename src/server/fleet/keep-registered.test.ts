import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { keepRegistered, type RegisteredNode } from "./keep-registered.ts";

test("a controller that the store refuses to list is listed once it does so no more", async () => {
  const clock = new ManualClock();
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  const node = {
    node: { region: "eu", roles: ["controller"], fleet: { report_interval: 5_000 } },
    facts: { id: "n1", version: "1" },
    load: { capacity: { items_per_second: 0 } },
    dataPlane: { ready: async () => ({ ready: true, reason: "" }) },
    env: { clock, log: recordedLog(clock) },
  } as unknown as RegisteredNode;
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds * 4; left > 0; left--) {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(250);
    }
  };
  store.setAway("STORE_REFUSED");
  const registered = keepRegistered(node, place, { id: "n1", address: "n1:4321", tls: true });
  await pass(10);
  assert.deepEqual(store.keys(), []);
  store.setAway(undefined);
  await pass(31);
  assert.deepEqual(store.keys(), ["/t/collectors/n1", "/t/members/n1"]);
  const ended = registered[Symbol.asyncDispose]();
  await pass(1);
  await ended;
  assert.deepEqual(store.keys(), []);
});
