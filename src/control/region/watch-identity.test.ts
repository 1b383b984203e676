import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { forgetfulMemory } from "../../store/recipes/fleet-memory.ts";
import { adoptFleet, initFleet } from "../../store/recipes/identity.ts";
import { watchIdentity } from "./watch-identity.ts";

const { signal } = new AbortController();

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("whose the store is, is checked whenever it says something else: made, wiped, adopted", async () => {
  const clock = new ManualClock();
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  const memory = forgetfulMemory();
  assert.equal(memory.verdict, undefined);
  await using watching = watchIdentity(place, memory, recordedLog(clock));
  await settle();
  assert.equal(memory.verdict, "unformed");
  await initFleet(place, { signal, id: "f" });
  await settle();
  assert.deepEqual([memory.verdict, memory.identity?.generation], ["new", 1]);
  store.delete("/t/fleet");
  await settle();
  assert.deepEqual([memory.verdict, memory.identity?.id], ["isolated", "f"]);
  await initFleet(place, { signal, id: "another" });
  await settle();
  assert.equal(memory.verdict, "isolated");
  store.delete("/t/fleet");
  await adoptFleet(place, { signal, known: memory.identity });
  await settle();
  assert.deepEqual([memory.verdict === "isolated", memory.identity?.generation], [false, 2]);
  store.setAway("STORE_UNREACHABLE");
  await settle();
  assert.ok(watching);
  assert.notEqual(memory.verdict, "isolated", "what a store that is away says is not known");
});
