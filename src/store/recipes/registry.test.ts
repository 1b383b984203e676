import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { MemberInfo } from "./member.ts";
import { createRegistry, type MembersSeen, type Registry } from "./registry.ts";

const { signal } = new AbortController();

function info(id: string, more: Partial<MemberInfo> = {}): MemberInfo {
  const rest = { name: "controller", address: "10.0.0.1:4321", region: "eu", capacity: 100, version: "0.1.0" };
  return { id, ...rest, metadata: { rack: "r1" }, ...more };
}

interface Rig {
  readonly store: FakeStore;
  readonly clock: ManualClock;
  readonly registry: Registry;
  /** Lets what is under way come to where it waits for time. */
  settle(): Promise<void>;
}

function openRig(store = new FakeStore()): Rig {
  const clock = new ManualClock();
  const registry = createRegistry({ store, prefix: "/t", clock, random: seededRandom(1) });
  return { store, clock, registry, settle };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function idsIn({ registry }: Rig): Promise<string[]> {
  return (await registry.list({ signal })).members.map(({ id }) => id);
}

test("a member is listed, found by id and name, and gone when it is deregistered", async () => {
  const { store, registry, clock } = openRig();
  await using b = await registry.register(info("b"), { signal });
  await using a = await registry.register(info("a", { region: "us" }), { signal, health: { state: "healthy" } });
  await using c = await registry.register(info("c", { name: "gateway", capacity: 7 }), { signal });
  assert.deepEqual(store.keys(), ["/t/members/a", "/t/members/b", "/t/members/c"]);
  const { members } = await registry.list({ signal });
  assert.deepEqual(
    members.map(({ id, health }) => `${id} ${health.state}`),
    ["a healthy", "b unknown", "c unknown"],
  );
  assert.deepEqual(await registry.get("c", { signal }), {
    ...info("c", { name: "gateway", capacity: 7 }),
    health: { state: "unknown" },
    registeredAtMs: clock.wallMs(),
    created: members[2]!.created,
    session: members[2]!.session,
  });
  assert.equal(await registry.get("d", { signal }), undefined);
  const found = await registry.find("controller", { signal });
  assert.deepEqual(
    found.map(({ id }) => id),
    ["a", "b"],
  );
  assert.ok(a.isListed && b.isListed);
  await a.deregister();
  await a.deregister();
  assert.equal(a.isListed, false);
  assert.equal(await registry.get("a", { signal }), undefined);
  await c.deregister();
  assert.equal(store.sessions.length, 1);
  assert.equal(clock.pending, 1, "what is closed waits for nothing");
});

test("a heartbeat writes when the health is another one, and nothing while it is the same", async () => {
  const { store, registry } = openRig();
  await using member = await registry.register(info("a"), { signal });
  const before = store.txns;
  await member.heartbeat({ state: "unhealthy", reason: "disk" }, { signal });
  await member.heartbeat({ state: "unhealthy", reason: "disk" }, { signal });
  assert.deepEqual((await registry.get("a", { signal }))?.health, { state: "unhealthy", reason: "disk" });
  assert.equal(store.txns, before + 1);
  await member.heartbeat({ state: "healthy" }, { signal });
  assert.deepEqual((await registry.get("a", { signal }))?.health, { state: "healthy" });
  await member.heartbeat({ state: "unhealthy", reason: "x".repeat(2_000) }, { signal });
  const health = (await registry.get("a", { signal }))?.health;
  assert.ok(health?.state === "unhealthy" && health.reason.length === 500);
});

test("a heartbeat ends at its deadline, and what it said is written when the store is back", async () => {
  const rig = openRig();
  const { store, registry, clock } = rig;
  await using member = await registry.register(info("a"), { signal });
  store.setAway("STORE_UNREACHABLE");
  const health = { state: "unhealthy", reason: "disk" } as const;
  const late = assert.rejects(member.heartbeat(health, { signal }), { code: "STORE_UNREACHABLE" });
  await rig.settle();
  clock.advance(9_000);
  await late;
  store.setAway(undefined);
  await rig.settle();
  clock.advance(10_000);
  await rig.settle();
  assert.deepEqual((await registry.get("a", { signal }))?.health, health);
});

test("a heartbeat that makes a member too large is refused, and the next one is written", async () => {
  const { registry } = openRig();
  const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, "x".repeat(990)]));
  await using member = await registry.register({ ...info("a"), metadata }, { signal });
  const reason = "\u{1f525}".repeat(250);
  await assert.rejects(member.heartbeat({ state: "unhealthy", reason }, { signal }), { code: "STORE_REFUSED" });
  await member.heartbeat({ state: "healthy" }, { signal });
  assert.deepEqual((await registry.get("a", { signal }))?.health, { state: "healthy" });
});

test("a member whose session is lost registers again under a new one, as the same member", async () => {
  const rig = openRig();
  const { store, registry, clock } = rig;
  await using member = await registry.register(info("a"), { signal, health: { state: "healthy" } });
  const first = await registry.get("a", { signal });
  clock.advance(1_000);
  store.expire(store.sessions[0]!);
  assert.equal(await registry.get("a", { signal }), undefined);
  await settle();
  clock.advance(5_000);
  await settle();
  const second = await registry.get("a", { signal });
  assert.notEqual(second?.session, first?.session);
  assert.ok(second!.created > first!.created);
  assert.equal(second?.registeredAtMs, first?.registeredAtMs);
  assert.deepEqual(second?.health, { state: "healthy" });
  assert.ok(member.isListed);
});

test("a session that is past its own deadline leaves an entry behind, which its member takes away", async () => {
  const { store, registry, clock } = openRig();
  await using member = await registry.register(info("a"), { signal });
  const first = await registry.get("a", { signal });
  store.setAway("STORE_UNREACHABLE");
  store.doubt(store.sessions[0]!);
  await settle();
  assert.equal(member.isListed, false);
  store.setAway(undefined);
  assert.equal((await registry.get("a", { signal }))?.session, first?.session, "still there");
  clock.advance(10_000);
  await settle();
  assert.ok(member.isListed);
  const second = await registry.get("a", { signal });
  assert.notEqual(second?.session, first?.session);
});

test("an outage of the store is waited for, at the first listing and later; health is told after it", async () => {
  const { store, registry, clock } = openRig();
  store.setAway("STORE_UNREACHABLE");
  const registering = registry.register(info("a"), { signal });
  for (let i = 0; i < 5; i++) {
    await settle();
    clock.advance(5_000);
  }
  store.setAway(undefined);
  await settle();
  clock.advance(5_000);
  await using member = await registering;
  store.setAway("STORE_UNREACHABLE");
  const told = member.heartbeat({ state: "unhealthy", reason: "cpu" }, { signal });
  await settle();
  store.setAway(undefined);
  clock.advance(5_000);
  await told;
  assert.deepEqual((await registry.get("a", { signal }))?.health, { state: "unhealthy", reason: "cpu" });
});

test("a signal ends the waiting for the first listing, and leaves nothing", async () => {
  const { store, registry, clock } = openRig();
  store.setAway("STORE_UNREACHABLE");
  const giveUp = new AbortController();
  const registering = registry.register(info("a"), { signal: giveUp.signal });
  await settle();
  giveUp.abort(new Error("enough"));
  await assert.rejects(registering, /enough/u);
  store.setAway(undefined);
  await settle();
  assert.deepEqual([store.keys(), store.sessions, clock.pending], [[], [], 0]);
});

test("what the store refuses for good is told at the first listing, and waited for later", async () => {
  const { store, registry, clock } = openRig();
  store.setAway("STORE_REFUSED");
  await assert.rejects(registry.register(info("a"), { signal }), { code: "STORE_REFUSED" });
  store.setAway(undefined);
  await using member = await registry.register(info("a"), { signal });
  store.setAway("STORE_REFUSED");
  const told = member.heartbeat({ state: "healthy" }, { signal });
  await settle();
  store.setAway(undefined);
  clock.advance(5_000);
  await told;
  assert.equal((await registry.get("a", { signal }))?.health.state, "healthy");
});

test("two with one id: the second is listed when the first is gone", async () => {
  const store = new FakeStore();
  const [one, two] = [openRig(store), openRig(store)];
  await using first = await one.registry.register(info("a", { address: "first" }), { signal });
  const waiting = two.registry.register(info("a", { address: "second" }), { signal });
  await settle();
  two.clock.advance(5_000);
  await settle();
  assert.equal((await one.registry.get("a", { signal }))?.address, "first");
  await first.deregister();
  two.clock.advance(5_000);
  await using second = await waiting;
  assert.ok(second.isListed);
  assert.equal((await one.registry.get("a", { signal }))?.address, "second");
});

test("an entry that somebody deletes by hand is made again, at the next heartbeat or look", async () => {
  const rig = openRig();
  const { store, registry, clock } = rig;
  await using member = await registry.register(info("a"), { signal });
  store.delete("/t/members/a");
  await member.heartbeat({ state: "healthy" }, { signal });
  assert.deepEqual(await idsIn(rig), ["a"]);
  store.delete("/t/members/a");
  clock.advance(30_000);
  await settle();
  assert.deepEqual(await idsIn(rig), ["a"]);
  assert.equal(store.sessions.length, 1);
});

const tooMuch = [
  { name: "a slash in its id", info: info("a/b") },
  { name: "no address", info: info("a", { address: "" }) },
  { name: "a capacity below 0", info: info("a", { capacity: -1 }) },
  { name: "a long name", info: info("a", { name: "n".repeat(257) }) },
  {
    name: "many entries of metadata",
    info: info("a", { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])) }),
  },
  {
    name: "more than 16 KiB together",
    info: info("a", {
      metadata: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, "v".repeat(1_000)])),
    }),
  },
];
for (const { name, info: wrong } of tooMuch) {
  test(`a member with ${name} is refused, and nothing is begun`, async () => {
    const { store, registry, clock } = openRig();
    await assert.rejects(registry.register(wrong, { signal }), { code: "STORE_REFUSED" });
    assert.deepEqual([store.sessions, clock.pending], [[], 0]);
  });
}

test("who watches is told of all that there is whenever it changes, of outages, and of what is no member", async () => {
  const rig = openRig();
  const { store, registry } = rig;
  const stop = new AbortController();
  await using a = await registry.register(info("a"), { signal });
  const seen: MembersSeen[] = [];
  const watching = (async () => {
    for await (const one of registry.watch({ signal: stop.signal })) seen.push(one);
  })();
  await settle();
  const last = (): string =>
    `${seen
      .at(-1)
      ?.members.map(({ id, health }) => `${id} ${health.state}`)
      .join(",")}${seen.at(-1)?.lost ? " old" : ""}`;
  assert.equal(last(), "a unknown");
  await using b = await registry.register(info("b"), { signal, health: { state: "healthy" } });
  await a.heartbeat({ state: "healthy" }, { signal });
  await settle();
  assert.equal(last(), "a healthy,b healthy");
  store.setAway("STORE_UNREACHABLE");
  await settle();
  assert.equal(last(), "a healthy,b healthy old");
  store.setAway(undefined);
  store.put("/t/members/c", "{}");
  store.put("/t/members/d", JSON.stringify({ id: "e" }));
  await b.deregister();
  await settle();
  assert.equal(last(), "a healthy");
  assert.deepEqual(
    seen.at(-1)?.malformed.map(({ key }) => key),
    ["/t/members/c", "/t/members/d"],
  );
  stop.abort();
  await watching;
});
