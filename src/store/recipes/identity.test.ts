import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../core/random.ts";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { compareEpochs, type Epoch, formatEpoch, parseEpoch } from "./epoch.ts";
import { openFleetMemory } from "./fleet-memory.ts";
import {
  adoptFleet,
  type FleetIdentity,
  type FoundFleet,
  initFleet,
  compareFleet,
  olderEpoch,
  readFleet,
} from "./identity.ts";
import type { RecipePlace } from "./place.ts";

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "signalbox-fleet-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `sub-${++files}`, "fleet.json");

function placeWith(store: FakeStore): RecipePlace {
  return { store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
}

const epoch = (text: string): Epoch => parseEpoch(text)!;
const identity = (id: string, generation: number, min = `${generation}.0`): FleetIdentity => ({
  id,
  generation,
  minEpoch: epoch(min),
});

const ANY_EPOCH = fc.record({
  generation: fc.integer({ min: 1, max: 999_999_999 }),
  revision: fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }),
});

test("epochs: the generation counts before the revision, and text and back is the same", () => {
  fc.assert(
    fc.property(ANY_EPOCH, ANY_EPOCH, (a, b) => {
      const sign = Math.sign(compareEpochs(a, b));
      assert.equal(sign, -Math.sign(compareEpochs(b, a)) + 0);
      if (a.generation < b.generation) assert.equal(sign, -1);
      if (a.generation === b.generation) assert.equal(sign === -1, a.revision < b.revision);
      assert.equal(compareEpochs(a, parseEpoch(formatEpoch(a))!), 0);
    }),
  );
  for (const text of ["", "1", "0.1", "1.-1", "01.2", "1.2.3", " 1.2", "1.2e3"])
    assert.equal(parseEpoch(text), undefined);
});

test("a fleet is made once, and who comes second is told of it", async () => {
  const place = placeWith(new FakeStore());
  assert.deepEqual(await readFleet(place, { signal }), { kind: "missing" });
  const first = await initFleet(place, { signal, id: "blue" });
  assert.deepEqual(first, { kind: "created", identity: identity("blue", 1) });
  const second = await initFleet(place, { signal, id: "green" });
  assert.deepEqual(second, { kind: "exists", found: { kind: "found", identity: identity("blue", 1) } });
  await assert.rejects(initFleet({ ...place, prefix: "/u" }, { signal, id: "a/b" }), { code: "STORE_REFUSED" });
  await assert.rejects(initFleet({ ...place, prefix: "t" }, { signal }), { code: "STORE_REFUSED" });
});

test("adopting makes the store's generation higher than all that is known, also of a wiped store", async () => {
  const place = placeWith(new FakeStore());
  assert.deepEqual(await adoptFleet(place, { signal }), { kind: "unknown" });
  const known = { id: "blue", generation: 4 };
  const wiped = await adoptFleet(place, { signal, known });
  assert.deepEqual(wiped, { kind: "adopted", identity: identity("blue", 5), before: { kind: "missing" } });
  const again = await adoptFleet(place, { signal });
  assert.equal(again.kind === "adopted" && again.identity.generation, 6);
  const other = await adoptFleet(place, { signal, known: { id: "green", generation: 2 } });
  assert.deepEqual(other.kind === "adopted" && other.identity, identity("green", 7));
  const tooHigh = { id: "green", generation: 999_999_999 };
  await assert.rejects(adoptFleet(place, { signal, known: tooHigh }), { code: "STORE_REFUSED" });
  const last = await adoptFleet(place, { signal, known: { ...tooHigh, generation: 999_999_998 } });
  assert.equal(last.kind, "adopted");
  assert.equal((await readFleet(place, { signal })).kind, "found");
});

test("somebody else's value in the place of the identity is told, and can be adopted", async () => {
  const store = new FakeStore();
  const place = placeWith(store);
  store.put("/t/fleet", "hello");
  const found = await readFleet(place, { signal });
  assert.equal(found.kind, "malformed");
  assert.equal(compareFleet(undefined, found).kind, "isolated");
  assert.equal((await adoptFleet(place, { signal, known: identity("blue", 1) })).kind, "adopted");
  assert.equal((await readFleet(place, { signal })).kind, "found");
});

const found = (one: FleetIdentity): FoundFleet => ({ kind: "found", identity: one });
const cases = [
  {
    name: "nothing known, nothing there: no fleet yet",
    known: undefined,
    found: { kind: "missing" },
    want: "unformed",
  },
  { name: "nothing known: the first is believed", known: undefined, found: found(identity("a", 3)), want: "new" },
  { name: "the same again", known: identity("a", 3), found: found(identity("a", 3)), want: "same" },
  { name: "a raised generation", known: identity("a", 3), found: found(identity("a", 4)), want: "raised" },
  { name: "a raised least epoch", known: identity("a", 3), found: found(identity("a", 3, "3.9")), want: "raised" },
  { name: "a wiped store", known: identity("a", 3), found: { kind: "missing" }, want: "isolated missing" },
  { name: "another fleet", known: identity("a", 3), found: found(identity("b", 9)), want: "isolated different" },
  { name: "a lower generation", known: identity("a", 3), found: found(identity("a", 2)), want: "isolated lower" },
  {
    name: "a lower epoch",
    known: identity("a", 3, "3.9"),
    found: found(identity("a", 3, "3.8")),
    want: "isolated lower",
  },
  {
    name: "a higher generation with a lower epoch",
    known: identity("a", 3, "3.9"),
    found: found(identity("a", 4, "3.8")),
    want: "isolated lower",
  },
  { name: "no JSON", known: undefined, found: { kind: "malformed", reason: "x" }, want: "isolated unreadable" },
] as const;
for (const { name, known, found: there, want } of cases) {
  test(`checking a store: ${name}`, () => {
    const verdict = compareFleet(known, there);
    assert.equal(verdict.kind === "isolated" ? `isolated ${verdict.why}` : verdict.kind, want);
  });
}

test("a store whose leaders have older epochs than were seen isolates as one that went back", () => {
  const verdict = olderEpoch("global", epoch("3.9"), epoch("3.2"));
  assert.ok(verdict.kind === "isolated" && verdict.why === "lower");
  assert.match(verdict.message, /3\.2 of global, .* 3\.9: it was restored/u);
});

test("what a node remembers of its fleet is there after a restart, and isolates it from a wiped store", async () => {
  const file = newFile();
  const store = new FakeStore();
  const place = placeWith(store);
  await initFleet(place, { signal, id: "blue" });
  const memory = await openFleetMemory(file);
  assert.equal((await memory.check({ kind: "missing" })).kind, "unformed");
  assert.equal((await memory.check(await readFleet(place, { signal }))).kind, "new");
  assert.equal(await memory.offer("global", epoch("1.7")), "newer");
  assert.equal(await memory.offer("global", epoch("1.7")), "same");
  assert.equal(await memory.offer("global", epoch("1.6")), "older");
  assert.equal(await memory.offer("eu", epoch("1.2")), "newer");

  const again = await openFleetMemory(file);
  assert.deepEqual(again.identity, identity("blue", 1));
  assert.deepEqual([again.seen("global"), again.seen("eu")], [epoch("1.7"), epoch("1.2")]);
  assert.equal(await again.offer("global", epoch("1.3")), "older");
  store.delete("/t/fleet");
  assert.equal((await again.check(await readFleet(place, { signal }))).kind, "isolated");
  await initFleet(place, { signal, id: "green" });
  assert.equal((await again.check(await readFleet(place, { signal }))).kind, "isolated");

  await adoptFleet(place, { signal, known: again.identity });
  assert.equal((await again.check(await readFleet(place, { signal }))).kind, "raised");
  assert.equal(await again.offer("eu", epoch("1.99")), "older", "below the least epoch");
  assert.equal(await again.offer("global", epoch("2.1")), "newer", "the store's revisions began again");
  assert.deepEqual((await openFleetMemory(file)).identity, identity("blue", 2));
});

test("a memory that is torn or was edited is not believed, and never taken for none", async () => {
  const file = newFile();
  const memory = await openFleetMemory(file);
  await memory.check(found(identity("blue", 3)));
  const text = readFileSync(file, "utf8");
  for (const bad of [text.replace('"generation": 3', '"generation": 1'), text.slice(0, -5), "", "x"]) {
    writeFileSync(file, bad);
    await assert.rejects(openFleetMemory(file), { code: "CONFIG_UNREADABLE" });
  }
  writeFileSync(file, text);
  assert.equal((await openFleetMemory(file)).identity?.generation, 3);
});

test("an identity that could not be kept is kept when it is seen again", async () => {
  const file = newFile();
  const memory = await openFleetMemory(file);
  writeFileSync(join(file, ".."), "a file in the place of the folder");
  await assert.rejects(memory.check(found(identity("blue", 1))));
  rmSync(join(file, ".."));
  assert.equal((await memory.check(found(identity("blue", 1)))).kind, "same");
  assert.deepEqual((await openFleetMemory(file)).identity, identity("blue", 1));
});

test("an epoch that could not be kept is told as a fault, and kept with the next", async () => {
  const file = newFile();
  const memory = await openFleetMemory(file);
  await memory.check(found(identity("blue", 1)));
  rmSync(join(file, ".."), { recursive: true });
  writeFileSync(join(file, ".."), "a file in the place of the folder");
  await assert.rejects(memory.offer("global", epoch("1.5")));
  await assert.rejects(memory.offer("global", epoch("1.5")));
  rmSync(join(file, ".."));
  assert.equal(await memory.offer("global", epoch("1.5")), "same");
  assert.deepEqual((await openFleetMemory(file)).seen("global"), epoch("1.5"));
});

test("epochs of only so many scopes are remembered", async () => {
  const memory = await openFleetMemory(newFile());
  const offers = Array.from({ length: 1_000 }, (_, i) => memory.offer(`r${i}`, epoch("1.1")));
  await Promise.all(offers);
  await assert.rejects(memory.offer("more", epoch("1.1")), { code: "STORE_REFUSED" });
  assert.equal(await memory.offer("r3", epoch("1.2")), "newer");
});
