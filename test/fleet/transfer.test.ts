import assert from "node:assert/strict";
import test from "node:test";
import type { Controller } from "../../src/control/global/controller.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { transferKey } from "../../src/control/region/transfer-request.ts";
import { requestTransfer, type RequestedTransfer } from "../../src/control/region/request-transfer.ts";
import { createElection } from "../../src/store/recipes/election.ts";
import { parseEpoch } from "../../src/store/recipes/epoch.ts";
import { writeJson } from "../../src/store/recipes/json-value.ts";
import { type RecordedLog, recordedLog } from "../support/fleet/quiet-log.ts";
import { reportOf } from "../support/fleet/reports.ts";
import { RiggedStore } from "../support/rigged-store.ts";

const NEVER = new AbortController().signal;

/** Controllers of one region, on a clock that is moved, and what each of them writes. */
class Region implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly #controllers: Controller[] = [];

  node(id: string): { readonly controller: Controller; readonly written: string[]; readonly log: RecordedLog } {
    const written: string[] = [];
    const log = recordedLog(this.store.clock);
    const all = this.store.view(() => false).store;
    const spied: typeof all = {
      ...all,
      txn: async (txn, options) => {
        const outcome = await all.txn(txn, options);
        if (outcome.done) written.push(...txn.then.map(({ key }) => key));
        return outcome;
      },
    };
    const controller = openController({
      place: { ...this.store.place, store: spied },
      controller: { id, address: `${id}:4321`, tls: false },
      region: "eu",
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      fetchBody: async () => undefined,
      log,
    });
    this.#controllers.push(controller);
    return { controller, written, log };
  }

  ask(election: string, to?: string): Promise<RequestedTransfer> {
    const asking = requestTransfer(this.store.place, { election, to, by: "a test" }, { signal: NEVER });
    return this.store.pass(asking);
  }

  /** Until this one stands for both elections: in the store there are two more keys. */
  async untilTheyStand(ids: readonly string[]): Promise<void> {
    for (const election of ["global", "region.eu"]) {
      await this.store.until(async () => {
        const { entries } = await this.store.list(`/test/elections/${election}/`, { signal: NEVER });
        const text = entries.map(({ value }) => new TextDecoder().decode(value)).join();
        return ids.every((id) => text.includes(`"holder":"${id}"`));
      });
    }
  }

  async requests(): Promise<readonly string[]> {
    return (await this.store.list("/test/transfers/", { signal: NEVER })).entries.map(({ key }) => key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.pass(Promise.all(this.#controllers.map((one) => one[Symbol.asyncDispose]())));
    await this.store[Symbol.asyncDispose]();
  }
}

test("who is asked through the store gives the lead to whom it is asked for, by a higher epoch, and writes nothing afterwards", async () => {
  await using region = new Region();
  const { store } = region;
  const a = region.node("a");
  await store.until(() => a.controller.services.has("eu") && a.controller.global?.leads === true);
  const [b, c] = [region.node("b"), region.node("c")];
  await region.untilTheyStand(["a", "b", "c"]);
  for (const election of ["region.eu", "global"]) {
    const before = (await createElection(store.place, election).leader({ signal: NEVER })) as { epoch: bigint };
    const outcome = await region.ask(election, "c");
    assert.ok(outcome.kind === "transferred", JSON.stringify(outcome));
    assert.deepEqual([outcome.from, outcome.to], ["a", "c"]);
    assert.ok((parseEpoch(outcome.epoch)?.revision ?? 0n) > before.epoch);
  }
  await store.until(() => c.controller.services.has("eu") && c.controller.global?.leads === true);
  assert.deepEqual(await region.requests(), []);
  const mark = a.written.length;
  c.written.length = 0;
  // Longer than a summary may be old: whoever leads has written one.
  await store.pass(c.controller.calls.report(reportOf("n1"), { signal: NEVER, peer: "test" }));
  await store.until(() => c.written.filter((key) => key === "/test/regions/eu").length >= 2);
  const isOfLeaders = (key: string): boolean => !key.startsWith("/test/elections/");
  assert.deepEqual(a.written.slice(mark).filter(isOfLeaders), []);
  assert.deepEqual(
    a.written.filter((key) => key.startsWith("/test/transfers/")),
    [],
    "the request is taken away by whoever made it",
  );
  assert.deepEqual(b.written.filter(isOfLeaders), []);
  assert.equal(a.controller.services.size, 0);
  assert.equal(a.controller.global, undefined);
  const told = (log: RecordedLog, kind: string): readonly string[] =>
    log.events.after(0).flatMap((event) => (event.kind === kind ? String(JSON.parse(event.json).msg) : []));
  const ofRegion = ["this node leads", "a leadership is to be given away", "another node leads"];
  for (const message of ofRegion) {
    assert.equal(told(a.log, "election").filter((one) => one === message).length, 2, `${message}: of two elections`);
  }
  assert.deepEqual(told(c.log, "member"), ["a collector reports"]);
});

test("what cannot be is said, and changes nothing: nobody leads, no such candidate, it leads already", async () => {
  await using region = new Region();
  const { store } = region;
  assert.deepEqual(await region.ask("region.eu", "a"), { kind: "nobody_leads" });
  const a = region.node("a");
  await store.until(() => a.controller.services.has("eu"));
  assert.deepEqual(await region.ask("region.eu", "a"), { kind: "leads_already", id: "a" });
  assert.deepEqual(await region.ask("region.eu", "b"), { kind: "no_candidate", standing: [] });
  assert.deepEqual(await region.ask("region.eu"), { kind: "no_candidate", standing: [] });
  assert.deepEqual(await region.requests(), []);
  assert.ok(a.controller.services.has("eu"));
});

test("whoever comes next leads where nobody is named, and what was for a leader before is taken away unheeded", async () => {
  await using region = new Region();
  const { store } = region;
  const key = transferKey("/test", "region.eu");
  const old = writeJson({ schema: 1, epoch: "1", by: "", at: "", to: "b" });
  await store.write({ if: [], then: [{ kind: "put", key, value: old }] });
  const a = region.node("a");
  await store.until(() => a.controller.services.has("eu"));
  region.node("b");
  await region.untilTheyStand(["a", "b"]);
  await store.until(async () => (await region.requests()).length === 0);
  assert.ok(a.controller.services.has("eu"));
  const outcome = await region.ask("region.eu");
  assert.ok(outcome.kind === "transferred" && outcome.to === "b", JSON.stringify(outcome));
});

test("a leader that heeds nothing is told of in time, and the question is taken back", async () => {
  await using region = new Region();
  const { place } = region.store;
  const election = createElection(place, "region.eu");
  await region.store.pass(election.campaign("", { id: "x", signal: NEVER }));
  const stop = new AbortController();
  const second = election.campaign("", { id: "y", signal: stop.signal }).catch(() => undefined);
  await region.store.until(
    async () => (await region.store.list("/test/elections/", { signal: NEVER })).entries.length === 2,
  );
  const outcome = await region.ask("region.eu", "y");
  assert.deepEqual(outcome, { kind: "not_in_time", reason: "x did not give it away within 25 s" });
  assert.deepEqual(await region.requests(), []);
  stop.abort();
  await region.store.pass(second);
});

test("where another comes to lead than who was meant, that is told", async () => {
  await using region = new Region();
  const { place } = region.store;
  const election = createElection(place, "region.eu");
  const first = await region.store.pass(election.campaign("", { id: "x", signal: NEVER }));
  const others = ["y", "z"].map((id) => election.campaign("", { id, signal: NEVER }));
  await region.store.until(
    async () => (await region.store.list("/test/elections/", { signal: NEVER })).entries.length === 3,
  );
  const asking = region.ask("region.eu", "z");
  await region.store.until(async () => (await region.requests()).length === 1);
  await region.store.pass(first.resign());
  assert.deepEqual(await asking, { kind: "changed", leader: "y" });
  await region.store.pass((await others[0]!).resign());
  await region.store.pass((await others[1]!).resign());
});
