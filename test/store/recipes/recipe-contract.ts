import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { openLeases } from "../../../src/store/open-leases.ts";
import { UNOBSERVED } from "../../../src/store/store-metrics.ts";
import { createSeatReader, GLOBAL_ELECTION } from "../../../src/control/coordination/seats.ts";
import { diagnose } from "../../../src/control/coordination/diagnose.ts";
import {
  adoptFleet,
  createElection,
  createLock,
  createRegistry,
  createSharedConfig,
  initFleet,
  type MemberInfo,
  type MembersSeen,
  type OpenedStore,
  openStore,
  readFleet,
  type StoreSettings,
} from "../../../src/index.ts";

/** A server of a kind, for the whole suite. */
export interface RecipeServer extends AsyncDisposable {
  readonly settings: StoreSettings;
  /** Its rights are cut down to what is below `RECIPES`. */
  readonly isCutDown?: boolean;
}

/** All keys of the suite are below it. */
export const RECIPES = "/recipes";

export interface RecipeContract {
  readonly open: () => Promise<RecipeServer>;
  /** Of sessions: the store's shortest. */
  readonly ttlMs: number;
  /** The server cannot be had, and why. */
  readonly skip?: string | undefined;
}

const { signal } = new AbortController();

/** What tests share. */
interface RecipeWorld {
  readonly ttlMs: number;
  /** Another client, below a prefix of this test's own. */
  readonly open: (prefix: string) => Promise<OpenedStore>;
  readonly prefix: () => string;
  readonly server: () => RecipeServer;
}

/** Registry, shared config, identity, views and diagnosis, on a real store, over two clients. */
export function recipeContract(name: string, { open, ttlMs, skip }: RecipeContract): void {
  // One after the other, whatever is said of what it is a part of.
  describe(`recipes: ${name}`, { concurrency: 1, ...(skip !== undefined && { skip }) }, () => {
    let server: RecipeServer | undefined;
    let prefixes = 0;
    const run = `${RECIPES}/${randomBytes(4).toString("hex")}`;
    before(async () => {
      server = await open();
    });
    after(async () => await server?.[Symbol.asyncDispose]());
    const world: RecipeWorld = {
      ttlMs,
      prefix: () => `${run}-${prefixes++}`,
      open: (prefix) => openStore(server!.settings, { prefix }),
      server: () => server!,
    };
    registryTests(world);
    configTests(world);
    fleetTests(world);
  });
}

function info(id: string, more: Partial<MemberInfo> = {}): MemberInfo {
  const rest = { name: "gateway", address: "10.0.0.1:4321", region: "eu", capacity: 10, version: "1.0.0" };
  return { id, ...rest, metadata: { rack: "r1" }, ...more };
}

/** What a watch tells until it is as wanted. */
async function seen(members: AsyncIterable<MembersSeen>, isSo: (shown: string) => boolean): Promise<string> {
  for await (const one of members) {
    const shown = one.members.map(({ id, health }) => `${id} ${health.state}`).join();
    if (isSo(shown)) return shown;
  }
  throw new Error("the watch has ended");
}

function registryTests({ open, prefix, ttlMs, server }: RecipeWorld): void {
  test("members are listed by one and seen by another, with their health, until they leave", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    const registry = createRegistry(mine);
    const others = createRegistry(theirs);
    await using a = await registry.register(info("a"), { signal, ttlMs });
    await using b = await registry.register(info("b", { name: "controller" }), { signal, ttlMs });
    const { members } = await others.list({ signal });
    assert.deepEqual(
      members.map(({ id, metadata }) => `${id} ${metadata["rack"]}`),
      ["a r1", "b r1"],
    );
    assert.equal((await others.find("controller", { signal }))[0]?.id, "b");
    const stop = new AbortController();
    const watching = seen(others.watch({ signal: stop.signal }), (shown) => shown === "a unhealthy");
    await a.heartbeat({ state: "unhealthy", reason: "disk" }, { signal });
    await b.deregister();
    assert.equal(await watching, "a unhealthy");
    stop.abort();
    assert.deepEqual((await others.get("a", { signal }))?.health, { state: "unhealthy", reason: "disk" });
    assert.equal(await others.get("b", { signal }), undefined);
  });

  test("a member whose session the store has ended is listed again, under a new one", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    await using leases = await openLeases(server().settings, { ...theirs, observer: UNOBSERVED });
    const registry = createRegistry(mine);
    const others = createRegistry(theirs);
    await using a = await registry.register(info("a"), { signal, ttlMs, health: { state: "healthy" } });
    const first = await others.get("a", { signal });
    await leases.revoke(first!.session!, { signal });
    const stop = new AbortController();
    for await (const { members } of others.watch({ signal: stop.signal })) {
      const [again] = members;
      if (again === undefined || again.session === first!.session) continue;
      assert.ok(again.created > first!.created);
      assert.equal(again.registeredAtMs, first!.registeredAtMs);
      break;
    }
    stop.abort();
    assert.equal(a.info.id, "a");
  });

  test("a member whose entry somebody has deleted is listed again, as a new entry", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    const registry = createRegistry(mine);
    await using a = await registry.register(info("a"), { signal, ttlMs });
    const first = await registry.get("a", { signal });
    await theirs.store.txn({ if: [], then: [{ kind: "delete", key: `${under}/members/a` }] }, { signal });
    await a.heartbeat({ state: "healthy" }, { signal });
    const second = await createRegistry(theirs).get("a", { signal });
    assert.ok(first !== undefined && second !== undefined && second.created > first.created);
    assert.equal(second.health.state, "healthy");
  });
}

function configTests({ open, prefix }: RecipeWorld): void {
  test("a config is published, followed by another, gone back on, and compared; large ones in pieces", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    const config = createSharedConfig(mine);
    const others = createSharedConfig(theirs);
    const stop = new AbortController();
    const news = others.watch({ signal: stop.signal })[Symbol.asyncIterator]();
    assert.equal((await news.next()).value?.kind, "none");
    assert.equal((await config.publish("a: 1\n", { signal, expected: 0 })).kind, "published");
    const first = (await news.next()).value;
    assert.ok(first?.kind === "version" && first.version.text === "a: 1\n");
    const large = `${"# ä\n".repeat(200_000)}a: 2\n`;
    assert.equal((await others.publish(large, { signal, expected: 1 })).kind, "published");
    const second = (await news.next()).value;
    assert.ok(second?.kind === "version" && second.version.text === large);
    assert.equal((await config.publish("late", { signal, expected: 1 })).kind, "conflict");
    const back = await config.rollback(1, { signal, expected: 2 });
    assert.ok(back.kind === "published" && back.pointer.latest === 2 && back.pointer.version === 1);
    const third = (await news.next()).value;
    assert.ok(third?.kind === "version" && third.version.version === 1);
    stop.abort();
    await news.return?.();
    const history = await others.history({ signal });
    assert.deepEqual(
      history.map(({ kind, version }) => `${kind} ${version}`),
      ["rollback 1", "publish 2", "publish 1"],
    );
  });

  test("two that publish at the same time have a version each, or one of them the conflict", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    const both = [createSharedConfig(mine), createSharedConfig(theirs)];
    const any = await Promise.all(both.map((config, i) => config.publish(`a: ${i}`, { signal })));
    const versions = any.map((one) => (one.kind === "published" ? one.pointer.version : 0));
    assert.deepEqual(new Set(versions), new Set([1, 2]));
    const guarded = await Promise.all(both.map((config, i) => config.publish(`b: ${i}`, { signal, expected: 2 })));
    assert.deepEqual(new Set(guarded.map(({ kind }) => kind)), new Set(["published", "conflict"]));
  });

  test("a leader that has resigned publishes nothing", async () => {
    await using mine = await open(prefix());
    const config = createSharedConfig(mine);
    const leader = await createElection(mine, GLOBAL_ELECTION).campaign("", { signal, id: "n1" });
    assert.equal((await config.publish("one", { signal, guard: leader })).kind, "published");
    await leader.resign();
    assert.equal((await config.publish("two", { signal, guard: leader })).kind, "not_leader");
    assert.equal((await config.history({ signal })).length, 1);
  });
}

function fleetTests({ open, prefix, ttlMs, server }: RecipeWorld): void {
  test("of two that make a fleet one does; adopting raises its generation", async () => {
    const under = prefix();
    await using mine = await open(under);
    await using theirs = await open(under);
    const both = await Promise.all([mine, theirs].map((place, i) => initFleet(place, { signal, id: `f${i}` })));
    assert.deepEqual(new Set(both.map(({ kind }) => kind)), new Set(["created", "exists"]));
    const found = await readFleet(mine, { signal });
    assert.ok(found.kind === "found" && found.identity.generation === 1);
    const known = { id: found.identity.id, generation: 6 };
    assert.equal((await adoptFleet(theirs, { signal, known })).kind, "adopted");
    const after7 = await readFleet(mine, { signal });
    assert.ok(after7.kind === "found" && after7.identity.generation === 7);
  });

  test("locks and leaders are shown, and the store is diagnosed as well", async () => {
    await using mine = await open(prefix());
    const seats = createSeatReader(mine);
    await initFleet(mine, { signal });
    await using guard = await createLock(mine, "backup", { holder: "job" }).acquire({ signal, leaseDurationMs: ttlMs });
    const member = { id: "n1", name: "n1", address: "127.0.0.1:4321", region: "eu", capacity: 1, version: "1" };
    await using listed = await createRegistry(mine).register(
      { ...member, metadata: { roles: "controller" } },
      { signal },
    );
    await using leader = await createElection(mine, GLOBAL_ELECTION).campaign("", { signal, id: "n1" });
    const [lock] = await seats.locks({ signal });
    assert.deepEqual([lock?.holder, lock?.epoch, lock?.waiting], ["job", `1.${guard.epoch}`, 0]);
    assert.equal((await seats.leaders({ signal })).global?.epoch, `1.${leader.epoch}`);
    const { isCutDown = false } = server();
    const patient = { ...mine, remembered: async () => undefined, hasCredentials: isCutDown, isLocal: true };
    const { findings, reachable } = await diagnose(patient, signal);
    assert.ok(reachable && listed.isListed);
    // What the server says of itself, such as that it is old, is another test's.
    const ofServer = new Set(["store", "compaction"]);
    const told = findings.filter(
      ({ check, status, message }) => status !== "ok" && !ofServer.has(check) && !message.startsWith("ACLs are off"),
    );
    assert.deepEqual(told, []);
  });
}
