import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import { regionKey } from "../region/region-summary.ts";
import { unableMembers } from "./publish.ts";

const { signal } = new AbortController();

test("a schema that some cannot read is not published: controllers are counted, and the collectors of each region", async () => {
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
  const region = (id: string, collectors: number, schemaMax: number): void => {
    const numbers = { ...noNumbers(), collectors, schema_max: schemaMax, versions: { "1.0.0": collectors, other: 1 } };
    const observed_at = "2026-01-01T00:00:00.000Z";
    const summary = { schema: 1, region: id, controller: "c", epoch: "1.5", seq: 1, adopted: false, observed_at };
    store.put(regionKey("/t", id), new TextDecoder().decode(writeJson({ ...summary, view_digest: "", numbers })));
  };
  region("old", 3, 1);
  region("new", 2, 2);
  region("empty", 0, 0);
  region("unsaid", 1, 0);
  const info = { name: "c", address: "c:1", region: "eu", capacity: 0, version: "1.0.0" };
  await using one = await createRegistry(place).register(
    { ...info, id: "c1", metadata: { schema_max: "2" } },
    { signal },
  );
  await using two = await createRegistry(place).register({ ...info, id: "c2", metadata: {} }, { signal });
  assert.ok(one.isListed && two.isListed);
  const unable = await unableMembers(place, 2, signal);
  assert.deepEqual(
    unable.map(({ id, reads, version }) => [id.split(" (")[0], reads, version]),
    [
      ["c2", 1, "1.0.0"],
      ["collectors of region old", 1, "1.0.0"],
      ["collectors of region unsaid", 1, "1.0.0"],
    ],
  );
  assert.deepEqual(await unableMembers(place, 1, signal), []);
});
