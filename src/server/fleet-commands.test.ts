import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../test/support/fake-store.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { seededRandom } from "../core/random.ts";
import { forgetfulMemory } from "../store/recipes/fleet-memory.ts";
import { initFleet, readFleet } from "../store/recipes/identity.ts";
import { createSharedConfig } from "../store/recipes/shared-config.ts";
import type { Coordination } from "./coordination.ts";
import { raiseFleet, showFleet } from "./fleet-commands.ts";

const { signal } = new AbortController();

test("a store whose config is older than what the node has seen is told of, and adopted", async () => {
  const place = { store: new FakeStore(), prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
  await initFleet(place, { signal, id: "blue" });
  await createSharedConfig(place).publish("a: 1\n", { signal });
  const memory = forgetfulMemory();
  await memory.check(await readFleet(place, { signal }));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- commands need the place alone
  const coordination = { place } as unknown as Coordination;
  const command = { coordination, memory, signal, by: "ann" };
  const raise = (): ReturnType<typeof raiseFleet> => raiseFleet(command, { known: memory.identity, force: false });
  assert.match((await raise()).message, /^nothing to adopt/u);
  await memory.offer("config/current", { generation: 1, revision: 1_000n });
  const shown = await showFleet(command);
  assert.equal(shown.kind, "isolated");
  assert.match(shown.message, /epoch 1\.\d+ of the config, and this node has seen 1\.1000/u);
  assert.match((await raise()).message, /from generation 2 on/u);
  await memory.check(await readFleet(place, { signal }));
  assert.equal((await showFleet(command)).kind, "ok");
});
