import assert from "node:assert/strict";
import test from "node:test";
import type { Leadership } from "../../src/store/recipes/election.ts";
import { readCandidates } from "../../src/control/region/candidates.ts";
import { encodeLeader } from "../../src/control/fleet/leader-value.ts";
import { LeaderBoard } from "../../src/control/region/leader-board.ts";
import { MOST_CANDIDATES, standFor } from "../../src/control/region/stand-for.ts";
import { transferLeadership, type TransferOutcome } from "../../src/control/region/transfer-leadership.ts";
import { RiggedStore } from "../support/rigged-store.ts";

const NEVER = new AbortController().signal;
const ELECTION = "region.eu";

function addressOf(id: string): { readonly id: string; readonly address: string; readonly tls: boolean } {
  return { id, address: `127.0.0.1:${id.length}`, tls: false };
}

/** Controllers that want to lead one region, over one store. */
class Controllers implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly leading = new Map<string, Leadership>();
  readonly #ending = new AbortController();
  readonly #all: Promise<unknown>[] = [];

  stand(...ids: readonly string[]): void {
    for (const id of ids) this.#all.push(this.#stand(id));
  }

  async standing(): Promise<readonly string[]> {
    return (await readCandidates(this.store.place, ELECTION, { signal: NEVER })).standing;
  }

  transfer(from: string, to?: string): Promise<TransferOutcome> {
    const leadership = this.leading.get(from);
    assert.ok(leadership !== undefined);
    const { place } = this.store;
    const controller = addressOf(from);
    return this.store.pass(
      transferLeadership({ place, election: ELECTION, leadership, controller, to, signal: this.#ending.signal }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.store.pass(Promise.all(this.#all));
    await this.store.pass(Promise.all([...this.leading.values()].map((one) => one.resign())));
    await this.store[Symbol.asyncDispose]();
  }

  async #stand(id: string): Promise<void> {
    const { place } = this.store;
    const value = encodeLeader(addressOf(id));
    try {
      const leadership = await standFor({ place, election: ELECTION, id, value, signal: this.#ending.signal });
      this.leading.set(id, leadership);
      leadership.lost.addEventListener("abort", () => this.leading.delete(id));
    } catch (cause) {
      if (!this.#ending.signal.aborted) throw cause;
    }
  }
}

for (const isFair of [true, false]) {
  const how = isFair ? "keys that queue" : "one key for all";

  test(`election with ${how}: no more than five stand, and another one does when one of them is gone`, async () => {
    await using controllers = new Controllers();
    const { store } = controllers;
    if (!isFair) store.beUnfair();
    controllers.stand("a");
    await store.until(() => controllers.leading.has("a"));
    controllers.stand("b", "c", "d", "e", "f", "g", "h");
    await store.until(async () => (await controllers.standing()).length === MOST_CANDIDATES);
    // Whoever looked at the same time has stepped aside, and stays so.
    const until = store.clock.nowMs() + 30_000;
    await store.until(() => store.clock.nowMs() > until);
    assert.equal((await controllers.standing()).length, MOST_CANDIDATES);
    await store.pass(controllers.leading.get("a")?.resign() ?? Promise.resolve());
    await store.until(() => controllers.leading.size === 1);
    await store.until(async () => (await controllers.standing()).length === MOST_CANDIDATES);
    assert.ok(!controllers.leading.has("a"));
  });

  test(`election with ${how}: a leader gives it to the candidate that it names`, async () => {
    await using controllers = new Controllers();
    const { store } = controllers;
    if (!isFair) store.beUnfair();
    controllers.stand("a");
    await store.until(() => controllers.leading.has("a"));
    for (const id of ["b", "c", "d"]) {
      controllers.stand(id);
      await store.until(async () => (await controllers.standing()).includes(id));
    }
    const epoch = controllers.leading.get("a")?.epoch ?? 0n;
    assert.deepEqual(await controllers.transfer("a", "d"), { kind: "transferred", to: "d" });
    assert.deepEqual([...controllers.leading.keys()], ["d"]);
    assert.ok((controllers.leading.get("d")?.epoch ?? 0n) > epoch);
    // Those who stepped aside stand again.
    await store.until(async () => (await controllers.standing()).length === 3);
  });
}

test("a leadership is given to whoever comes next, and to nobody who does not stand", async () => {
  await using controllers = new Controllers();
  const { store } = controllers;
  controllers.stand("a");
  await store.until(() => controllers.leading.has("a"));
  assert.deepEqual(await controllers.transfer("a"), { kind: "no_candidate", standing: [] });
  controllers.stand("b");
  await store.until(async () => (await controllers.standing()).includes("b"));
  assert.deepEqual(await controllers.transfer("a", "x"), { kind: "no_candidate", standing: ["b"] });
  assert.ok(controllers.leading.has("a"));
  assert.deepEqual(await controllers.transfer("a"), { kind: "transferred", to: "b" });
});

test("where a candidate does not step aside, nothing is given away, and the leader leads on", async () => {
  await using controllers = new Controllers();
  const { store } = controllers;
  controllers.stand("a", "b");
  await store.until(() => controllers.leading.has("a"));
  await store.until(async () => (await controllers.standing()).includes("b"));
  // A program that knows nothing of transfers.
  const session = await store.openSession({ signal: NEVER });
  const value = Buffer.from(JSON.stringify({ holder: "x", sinceMs: 0, holds: false, session: session.id }));
  const key = `/test/elections/${ELECTION}/${session.id}`;
  await store.write({ if: [], then: [{ kind: "put", key, value, session: session.id }] });
  assert.deepEqual(await controllers.transfer("a", "b"), { kind: "not_in_time" });
  assert.ok((controllers.leading.get("a")?.validForMs() ?? 0) > 0);
  const { leader } = await readCandidates(store.place, ELECTION, { signal: NEVER });
  assert.equal(leader?.value?.transfer_to, undefined);
});

test("who leads the regions is seen by all, with where it is dialled; a program's own election is no region", async () => {
  await using controllers = new Controllers();
  const { store } = controllers;
  await using board = new LeaderBoard(store.place);
  controllers.stand("a");
  await store.until(() => board.region("eu")?.id === "a");
  assert.deepEqual(board.region("eu")?.value?.address, addressOf("a").address);
  assert.deepEqual([board.regions(), board.global(), board.isInStep], [["eu"], undefined, true]);
  await store.pass(controllers.leading.get("a")?.resign() ?? Promise.resolve());
  await store.until(() => board.region("eu") === undefined);
});
