import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { ReadConfig } from "./config-read.ts";
import { createSharedConfig } from "./shared-config.ts";

const { signal } = new AbortController();

function textOf(read: ReadConfig): string {
  return read.kind === "version" ? read.version.text : read.kind;
}

for (const how of ["publish", "rollback"] as const) {
  test(`a pointer that somebody put back to what it was keeps nobody from a ${how}`, async () => {
    const store = new FakeStore();
    const config = createSharedConfig({ store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) });
    await config.publish("one", { signal });
    const old = await store.get("/t/config/current", { signal });
    assert.ok(old !== undefined);
    await config.publish("two", { signal });
    await config.publish("three", { signal });
    store.put("/t/config/h/0000000004", "not a line of the history");
    store.put("/t/config/current", new TextDecoder().decode(old.value));
    assert.equal(textOf(await config.current({ signal })), "one");
    const change = {
      publish: () => config.publish("four", { signal }),
      rollback: () => config.rollback(2, { signal }),
    };
    const outcome = await change[how]();
    assert.ok(outcome.kind === "published");
    assert.deepEqual(
      [outcome.pointer.version, outcome.pointer.entry, outcome.pointer.latest],
      how === "publish" ? [4, 5, 4] : [2, 5, 3],
    );
    assert.equal(textOf(await config.version(3, { signal })), "three");
    assert.equal((await config.history({ signal })).length, 4);
    assert.equal((await config.publish("five", { signal })).kind, "published");
  });
}
