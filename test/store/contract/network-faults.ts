import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { StoreAdapter } from "../../../src/store/store.ts";
import type { ContractWorld, StoreNetwork } from "../contract.ts";
import { absent, plain, put, read, remove, textOf, write } from "./calls.ts";
import { Follower } from "./follower.ts";
import { contents } from "./reads.ts";

/** More than etcd sends in one message while a watch catches up. */
const REVISIONS = 1_100;

/** With so much in each value a list of what is there is longer, too, than any cut. */
const PADDING = " ".repeat(1_500);

function faultTest(world: ContractWorld, name: string, run: (parts: FaultParts) => Promise<void>): void {
  test(name, async ({ signal }: TestContext) => {
    await using network = await world.fixture().openNetwork?.();
    assert.ok(network, "a store without a network has no such parts");
    await using direct = world.fixture().openStore(world.options);
    await using store = network.openStore(world.options);
    await run({ world, network, direct, store, signal, prefix: world.prefix() });
  });
}

/** What a network does to watches that catch up. */
export function catchUps(world: ContractWorld): void {
  for (const bytes of [1, 400, 20_000, 60_000]) {
    faultTest(world, `network: cut twice, ${bytes} bytes into catching up with ${REVISIONS} revisions`, (parts) =>
      cutInCatchUp(parts, bytes),
    );
  }
}

/** What a network does to watches and transactions. */
export function networkFaults(world: ContractWorld): void {
  faultTest(
    world,
    "network: a connection that ends and one that is refused are told once, and nothing is lost",
    lostAndFound,
  );
  faultTest(
    world,
    "network: a store that is not there at first is told as lost, and its snapshot comes later",
    notThereAtFirst,
  );
  faultTest(world, "network: a black hole under a watch is noticed, and nothing is lost", blackHole);
  faultTest(world, "network: slow, everything is as ever", slow);
  faultTest(world, "network: a transaction whose outcome is lost is carried out once", lostOutcome);
  faultTest(world, "network: calls go on by themselves after the connection was cut", callsGoOn);
}

interface FaultParts {
  readonly world: ContractWorld;
  readonly network: StoreNetwork;
  /** Past the proxy. */
  readonly direct: StoreAdapter;
  readonly store: StoreAdapter;
  readonly signal: AbortSignal;
  readonly prefix: string;
}

async function lostAndFound({ network, direct, store, signal, prefix, world }: FaultParts): Promise<void> {
  await write(direct, [put(`${prefix}a`), put(`${prefix}gone`)], signal);
  await using follower = new Follower(store, prefix);
  await follower.until(() => follower.isSynced, "the snapshot");
  network.proxy.mode = "refuse";
  network.proxy.cut();
  await follower.until(() => follower.count("lost") > 0, "the loss");
  await write(direct, [put(`${prefix}b`), remove(`${prefix}gone`)], signal);
  const last = await write(direct, [put(`${prefix}a`, "2")], signal);
  network.proxy.mode = "pass";
  await follower.until(() => follower.isSynced && follower.revision >= last, "what was missed");
  assert.deepEqual(plain(follower.state.values()), await contents(direct, prefix, signal));
  assert.equal(follower.count("lost"), 1);
  assert.equal(follower.count("resync"), 0);
  if (world.facts.hasHistory) assert.equal(follower.count("changes"), 2);
}

async function notThereAtFirst({ network, direct, store, signal, prefix }: FaultParts): Promise<void> {
  await write(direct, [put(`${prefix}a`)], signal);
  network.proxy.mode = "refuse";
  await using follower = new Follower(store, prefix);
  await follower.until(() => follower.count("lost") > 0, "the loss");
  network.proxy.mode = "pass";
  await follower.until(() => follower.isSynced, "the snapshot");
  assert.deepEqual(
    follower.events.map(({ kind }) => kind),
    ["lost", "snapshot", "synced"],
  );
  assert.deepEqual([...follower.state.keys()], [`${prefix}a`]);
}

async function cutInCatchUp(
  { network, direct, store, signal, prefix, world }: FaultParts,
  bytes: number,
): Promise<void> {
  await write(direct, [put(`${prefix}first`)], signal);
  await using follower = new Follower(store, prefix);
  await follower.until(() => follower.isSynced, "the snapshot");
  network.proxy.mode = "refuse";
  network.proxy.cut();
  let last = 0n;
  for (let i = 0; i < REVISIONS; i += 20) {
    const some = Array.from({ length: 20 }, (_, j) =>
      write(direct, [put(`${prefix}${(i + j) % 50}`, `${i + j}${PADDING}`)], signal),
    );
    for (const revision of await Promise.all(some)) if (revision > last) last = revision;
  }
  network.proxy.cutsLeft = 2;
  network.proxy.cutAfterBytes = bytes;
  network.proxy.mode = "pass";
  await follower.until(() => follower.isSynced && follower.revision >= last, "what was missed");
  assert.equal(network.proxy.cutsLeft, 0, "both cuts were made");
  assert.deepEqual(plain(follower.state.values()), await contents(direct, prefix, signal));
  assert.equal(follower.count("resync"), 0, "nothing was lost that a comparison would have found");
  if (!world.facts.hasHistory) return;
  const steps = follower.events.flatMap((event) => (event.kind === "changes" ? event.puts.map(textOf) : []));
  assert.equal(steps.length, REVISIONS, "every change once");
  assert.equal(new Set(steps).size, REVISIONS);
}

async function blackHole({ network, direct, store, signal, prefix }: FaultParts): Promise<void> {
  await using follower = new Follower(store, prefix);
  await follower.until(() => follower.isSynced, "the snapshot");
  network.proxy.mode = "hold";
  await follower.until(() => follower.count("lost") > 0, "the loss");
  const last = await write(direct, [put(`${prefix}a`)], signal);
  network.proxy.mode = "pass";
  await follower.until(() => follower.isSynced && follower.revision >= last, "what was missed");
  assert.deepEqual(plain(follower.state.values()), await contents(direct, prefix, signal));
}

async function slow({ network, direct, store, signal, prefix }: FaultParts): Promise<void> {
  network.proxy.delayMs = 50;
  await using follower = new Follower(store, prefix);
  let last = 0n;
  for (let i = 0; i < 10; i++) last = await write(store, [put(`${prefix}a`, String(i))], signal);
  await follower.until(() => follower.isSynced && follower.revision >= last, "the last change");
  assert.deepEqual(plain(follower.state.values()), await contents(direct, prefix, signal));
}

async function lostOutcome({ network, direct, store, signal, prefix }: FaultParts): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const key = `${prefix}${i}`;
    await using follower = new Follower(direct, key);
    await follower.until(() => follower.isSynced, "the snapshot");
    await store.get(key, { signal }); // a connection is open
    network.proxy.mode = "one_way";
    const outcome = store.txn({ if: [absent(key)], then: [put(key, `nonce ${i}`)] }, { signal });
    await follower.until(() => follower.state.has(key), "the write");
    network.proxy.mode = "pass";
    network.proxy.cut();
    const { modified } = await read(direct, key, signal);
    assert.deepEqual(await outcome, { done: true, revision: modified });
    assert.equal(follower.count("changes"), 1);
  }
}

async function callsGoOn({ network, direct, store, signal, prefix }: FaultParts): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await write(store, [put(`${prefix}a`, String(i))], signal);
    network.proxy.cut();
    assert.equal(textOf(await read(store, `${prefix}a`, signal)), String(i));
    network.proxy.cut();
  }
  assert.equal(textOf(await read(direct, `${prefix}a`, signal)), "9");
}
