import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import { askRollout, type RolloutRequest } from "../rollout/ask-rollout.ts";
import { readInfos } from "./fleet-versions.ts";

const { signal } = new AbortController();

test("versions that were only tried are listed with what became of them, each once, where they belong in time", async () => {
  const clock = new ManualClock();
  const place = { store: new FakeStore(), prefix: "/t", clock, random: seededRandom(1) };
  const shared = createSharedConfig(place);
  const later = async (what: () => Promise<unknown>): Promise<string[]> => {
    clock.advance(1_000);
    await what();
    return (await readInfos(shared, { signal })).map(({ version, state }) => `${version} ${state ?? "ran"}`);
  };
  const ask = (request: RolloutRequest) => () => askRollout(place, request, { by: "ann", signal });
  assert.deepEqual(await later(() => shared.publish("one", { signal })), ["1 ran"]);
  assert.deepEqual(await later(() => shared.stage("two", { signal, by: "bob", note: "faster" })), [
    "2 staged",
    "1 ran",
  ]);
  assert.deepEqual(await later(ask("pause")), ["2 paused", "1 ran"]);
  assert.deepEqual(await later(ask("abort")), ["2 aborted", "1 ran"]);
  const [aborted] = await readInfos(shared, { signal });
  assert.deepEqual([aborted?.author, aborted?.summary], ["bob", "faster; ann has ended it"]);
  assert.deepEqual(await later(() => shared.publish("three", { signal })), ["3 ran", "2 aborted", "1 ran"]);
  assert.deepEqual(await later(() => shared.stage("four", { signal })), ["4 staged", "3 ran", "2 aborted", "1 ran"]);
});
