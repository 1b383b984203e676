import assert from "node:assert/strict";
import { test } from "node:test";
import { isoTime } from "../../core/iso-time.ts";
import { seededRandom } from "../../core/random.ts";
import { createElection } from "../../store/recipes/election.ts";
import { adoptFleet, initFleet } from "../../store/recipes/identity.ts";
import { createLock } from "../../store/recipes/lock.ts";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createSeatReader, GLOBAL_ELECTION, regionElection } from "./seats.ts";

const { signal } = new AbortController();

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("locks and leaders are shown with who, since when, the epoch with its generation, and who waits", async () => {
  const store = new FakeStore();
  const clock = new ManualClock();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  const seats = createSeatReader(place);
  assert.deepEqual(await seats.locks({ signal }), []);
  assert.deepEqual(await seats.leaders({ signal }), { global: null, regions: {}, others: {} });

  const guard = await createLock(place, "backup", { holder: "n1" }).acquire({ signal });
  const stop = new AbortController();
  const waiting = createLock(place, "backup", { holder: "n2" }).acquire({ signal: stop.signal });
  waiting.catch(() => undefined);
  await settle();
  const lead = (name: string, id: string): Promise<{ epoch: bigint; resign(): Promise<void> }> =>
    createElection(place, name).campaign(`${id}:4321`, { signal, id });
  const global = await lead(GLOBAL_ELECTION, "n3");
  const eu = await lead(regionElection("eu-1"), "n4");
  const job = await lead("job", "n5");

  const since = isoTime(clock.wallMs());
  const lock = { name: "backup", holder: "n1", since, waiting: 1, waiters: ["n2"] };
  assert.deepEqual(await seats.locks({ signal }), [{ ...lock, epoch: `1.${guard.epoch}` }]);
  const leaders = (generation: number): object => ({
    global: { id: "n3", epoch: `${generation}.${global.epoch}`, since, value: "n3:4321" },
    regions: { "eu-1": { id: "n4", epoch: `${generation}.${eu.epoch}`, since, value: "n4:4321" } },
    others: { job: { id: "n5", epoch: `${generation}.${job.epoch}`, since, value: "n5:4321" } },
  });
  assert.deepEqual(await seats.leaders({ signal }), leaders(1));
  await initFleet(place, { signal, id: "blue" });
  assert.deepEqual(await seats.leaders({ signal }), leaders(1), "as before there was a fleet");
  await adoptFleet(place, { signal });
  assert.deepEqual(await seats.leaders({ signal }), leaders(2));
  stop.abort();
  for (const one of [global, eu, job]) await one.resign();
  await guard.release();
  await settle();
  assert.deepEqual(await seats.locks({ signal }), []);
});

test("whatever an election is called it is shown, and what is no time is nobody's", async () => {
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
  const seats = createSeatReader(place);
  const names = ["__proto__", regionElection("__proto__"), "constructor"];
  for (const name of names) await createElection(place, name).campaign("", { signal, id: "n1" });
  const { regions, others } = await seats.leaders({ signal });
  assert.deepEqual([Object.keys(regions), Object.keys(others)], [["__proto__"], ["__proto__", "constructor"]]);

  const guard = await createLock(place, "backup", { holder: "n1" }).acquire({ signal });
  const [entry] = (await store.list("/t/locks/backup/", { signal })).entries;
  assert.ok(entry !== undefined);
  const seat = { ...JSON.parse(new TextDecoder().decode(entry.value)), sinceMs: 1e300 };
  const put = {
    kind: "put",
    key: entry.key,
    value: Buffer.from(JSON.stringify(seat)),
    session: entry.session,
  } as const;
  await store.txn({ if: [], then: [put] }, { signal });
  assert.deepEqual(
    (await seats.locks({ signal })).map(({ name, holder, since }) => [name, holder, since]),
    [["backup", null, null]],
  );
  await guard.release();
});
