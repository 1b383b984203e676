import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import { askRollout } from "./ask-rollout.ts";

const { signal } = new AbortController();

/** What stands between the first transaction and its answer, which is lost. */
async function abortedWith(meanwhile: "nothing" | "told" | "another end"): Promise<string> {
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
  const config = createSharedConfig(place);
  await config.publish("one", { signal });
  await config.stage("two", { signal });
  const txn = store.txn.bind(store);
  store.txn = async (...asked) => {
    store.txn = txn;
    if (meanwhile !== "another end") await txn(...asked);
    const known = await config.candidate({ signal });
    assert.ok(known.kind === "candidate");
    const { candidate } = known;
    if (meanwhile === "told") await config.update(known, { ...candidate, told: true }, { signal });
    if (meanwhile === "another end") await config.update(known, { ...candidate, state: "rolled_back" }, { signal });
    throw new RouterError("STORE_UNKNOWN", "the answer was lost");
  };
  return (await askRollout(place, "abort", { by: "ann", signal })).kind;
}

test("a rollout that was ended is told as ended by this, where the answer is lost and a leader has written since", async () => {
  assert.equal(await abortedWith("nothing"), "done");
  assert.equal(await abortedWith("told"), "done");
  assert.equal(await abortedWith("another end"), "ended");
});
