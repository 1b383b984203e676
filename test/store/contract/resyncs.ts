import assert from "node:assert/strict";
import { test } from "node:test";
import { type FleetVerdict, initFleet, compareFleet, readFleet } from "../../../src/store/recipes/identity.ts";
import type { StoreAdapter } from "../../../src/store/store.ts";
import type { ContractWorld } from "../contract.ts";
import { plain, put, read, remove, textOf, write } from "./calls.ts";
import { Follower } from "./follower.ts";
import { contents } from "./reads.ts";

/** History that is gone. */
export function compaction(world: ContractWorld): void {
  test("watch: history that is gone while it was away is told as a resync, and nothing else is", async ({ signal }) => {
    const fixture = world.fixture();
    await using network = await fixture.openNetwork?.();
    await using direct = fixture.openStore(world.options);
    await using store = network?.openStore(world.options) ?? fixture.openStore(world.options);
    const prefix = world.prefix();
    await write(direct, [put(`${prefix}stays`), put(`${prefix}goes`), put(`${prefix}changes`, "1")], signal);
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    follower.pause();
    await write(direct, [put(`${prefix}held`)], signal);
    await follower.until(() => follower.state.has(`${prefix}held`), "the last event before it is held up");
    if (network !== undefined) network.proxy.mode = "refuse";
    network?.proxy.cut();
    await changeMuch(direct, prefix, signal);
    await (fixture.compact?.() ?? assert.fail("a store without history has no such part"));
    const last = await write(direct, [put(`${prefix}last`)], signal);
    if (network !== undefined) network.proxy.mode = "pass";
    follower.resume();
    await follower.until(() => follower.isSynced && follower.revision >= last, "the last change");
    assert.deepEqual(plain(follower.state.values()), await contents(direct, prefix, signal));
    const told = follower.events.filter((event) => event.kind === "resync");
    assert.deepEqual(
      told.map(({ why }) => why),
      ["compacted"],
    );
    assert.ok(told[0]?.deletes.includes(`${prefix}goes`));
    assert.ok(!told[0]?.puts.some(({ key }) => key === `${prefix}stays`), "what did not change is not told again");
  });
}

async function changeMuch(store: StoreAdapter, prefix: string, signal: AbortSignal): Promise<void> {
  await write(store, [remove(`${prefix}goes`), put(`${prefix}changes`, "2")], signal);
  for (let i = 0; i < 20; i++) await write(store, [put(`${prefix}new`, String(i))], signal);
}

/** A store that began again. */
export function wipes(world: ContractWorld): void {
  test("watch: a store that was wiped is told as such and isolates its nodes, and revisions may fall then", async ({
    signal,
  }) => {
    const fixture = world.fixture();
    await using store = fixture.openStore(world.options);
    const prefix = world.prefix();
    const place = { store, prefix: prefix.slice(0, -1), clock: world.options.clock };
    const made = await initFleet(place, { signal });
    assert.ok(made.kind === "created");
    assert.equal(compareFleet(made.identity, await readFleet(place, { signal })).kind, "same");
    let revision = 0n;
    for (let i = 0; i < 20; i++) revision = await write(store, [put(`${prefix}${i % 3}`, String(i))], signal);
    await using follower = new Follower(store, prefix);
    await follower.until(() => follower.isSynced, "the snapshot");
    await (fixture.wipe?.() ?? assert.fail("a store that cannot be wiped has no such part"));
    await follower.until(() => follower.count("resync") > 0 && follower.isSynced, "the resync");
    assert.deepEqual(
      follower.events.filter((event) => event.kind === "resync").map(({ why }) => why),
      ["wiped"],
    );
    assert.deepEqual([...follower.state.keys()], []);
    assert.equal(whyIsolated(compareFleet(made.identity, await readFleet(place, { signal }))), "missing");
    await initFleet(place, { signal });
    assert.equal(whyIsolated(compareFleet(made.identity, await readFleet(place, { signal }))), "different");
    const again = await write(store, [put(`${prefix}0`, "again")], signal);
    assert.ok(again < revision, `revision ${again} after ${revision} before`);
    assert.equal(textOf(await read(store, `${prefix}0`, signal)), "again");
    await follower.until(() => follower.state.has(`${prefix}0`), "what was written after it");
    assert.deepEqual(plain(follower.state.values()), await contents(store, prefix, signal));
  });
}

function whyIsolated(verdict: FleetVerdict): string | undefined {
  return verdict.kind === "isolated" ? verdict.why : undefined;
}
