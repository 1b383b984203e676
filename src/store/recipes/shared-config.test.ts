import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { openRig } from "../../../test/support/shared-config-rig.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { MAX_VALUE_BYTES, type Txn } from "../store.ts";
import { MAX_CONFIG_BYTES } from "./config-record.ts";
import { createElection } from "./election.ts";
import type { ReadConfig } from "./config-read.ts";

const { signal } = new AbortController();

function textOf(read: ReadConfig): string {
  return read.kind === "version" ? read.version.text : read.kind;
}

test("versions are published one after the other, each kept as it was, with a line of history each", async () => {
  const { store, config, clock } = openRig();
  assert.equal((await config.current({ signal })).kind, "none");
  const first = await config.publish("a: 1\n", { signal, expected: 0, by: "ann", note: "first" });
  clock.advance(1_000);
  const second = await config.publish("a: 2\n", { signal, expected: 1, by: "bob" });
  assert.ok(first.kind === "published" && second.kind === "published");
  assert.deepEqual([first.pointer.version, second.pointer.version, second.pointer.latest], [1, 2, 2]);
  assert.equal(textOf(await config.current({ signal })), "a: 2\n");
  assert.equal(textOf(await config.version(1, { signal })), "a: 1\n");
  assert.equal((await config.version(3, { signal })).kind, "missing");
  assert.deepEqual(
    (await config.history({ signal })).map(({ entry, kind, version, by, note, atMs, bytes }) =>
      [entry, kind, version, by, note, atMs - clock.wallMs(), bytes].join(),
    ),
    ["2,publish,2,bob,,0,5", "1,publish,1,ann,first,-1000,5"],
  );
  assert.deepEqual(store.keys(), [
    "/t/config/current",
    "/t/config/h/0000000001",
    "/t/config/h/0000000002",
    "/t/config/v/0000000001",
    "/t/config/v/0000000002",
  ]);
  const pointer = JSON.parse(new TextDecoder().decode((await store.get("/t/config/current", { signal }))?.value));
  assert.deepEqual([pointer.schema, pointer.version, pointer.sha256], [1, 2, second.pointer.sha256]);
});

test("a change that is meant for another version is refused; the same text again is no version", async () => {
  const { store, config } = openRig();
  await config.publish("one", { signal });
  const { txns } = store;
  const late = await config.publish("two", { signal, expected: 0 });
  assert.ok(late.kind === "conflict" && late.running?.version === 1);
  assert.equal((await config.publish("one", { signal })).kind, "unchanged");
  assert.equal(store.txns, txns);
  assert.equal((await openRig().config.publish("one", { signal, expected: 3 })).kind, "conflict");
});

test("a return to an older version is a new entry, and the next version is above all that ever were", async () => {
  const { config } = openRig();
  for (const text of ["one", "two", "three"]) await config.publish(text, { signal });
  const back = await config.rollback(1, { signal, expected: 3, by: "ann" });
  assert.ok(back.kind === "published");
  assert.deepEqual([back.pointer.version, back.pointer.entry, back.pointer.latest], [1, 4, 3]);
  assert.equal(textOf(await config.current({ signal })), "one");
  assert.equal((await config.rollback(1, { signal })).kind, "unchanged");
  assert.equal((await config.rollback(9, { signal })).kind, "missing");
  assert.equal((await config.rollback(2, { signal, expected: 3 })).kind, "conflict");
  const next = await config.publish("four", { signal, expected: 1 });
  assert.ok(next.kind === "published" && next.pointer.version === 4);
  assert.deepEqual(
    (await config.history({ signal })).map(({ kind, version }) => `${kind} ${version}`),
    ["publish 4", "rollback 1", "publish 3", "publish 2", "publish 1"],
  );
  assert.equal((await openRig().config.rollback(1, { signal })).kind, "missing");
});

test("two versions are compared as texts", async () => {
  const { config } = openRig();
  await config.publish("a\nb\nc\n", { signal });
  await config.publish("a\nB\nc\n", { signal });
  const diff = await config.diff(1, 2, { signal });
  assert.equal(diff.kind === "diff" && diff.text, "--- version 1\n+++ version 2\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  assert.deepEqual(await config.diff(1, 1, { signal }), { kind: "diff", text: "" });
  assert.equal((await config.diff(1, 7, { signal })).kind, "missing");
});

test("a leader that leads no more publishes nothing", async () => {
  const { store, config, clock } = openRig();
  const election = createElection({ store, prefix: "/t", clock, random: seededRandom(1) }, "global");
  const guard = await election.campaign("", { signal, id: "n1" });
  assert.equal((await config.publish("one", { signal, guard })).kind, "published");
  const [key] = store.keys().filter((one) => one.includes("/elections/"));
  const { txns } = store;
  store.delete(key!);
  assert.equal((await config.publish("two", { signal, guard })).kind, "not_leader");
  store.put(key!, "another");
  assert.equal((await config.publish("two", { signal, guard })).kind, "not_leader");
  assert.equal((await config.rollback(1, { signal, guard })).kind, "unchanged");
  assert.equal(store.txns, txns);
  assert.equal(textOf(await config.current({ signal })), "one");
});

test("many that publish at the same time make one version each, and none is lost", async () => {
  const store = new FakeStore();
  const configs = Array.from({ length: 8 }, () => openRig({}, store).config);
  const outcomes = await Promise.all(configs.map((config, i) => config.publish(`text ${i}`, { signal })));
  const versions = outcomes.map((one) => (one.kind === "published" ? one.pointer.version : 0));
  assert.deepEqual(
    versions.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  const texts = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((v) => configs[0]!.version(v, { signal })));
  assert.equal(new Set(texts.map(textOf)).size, 8);
  const guarded = await Promise.all(configs.map((config, i) => config.publish(`more ${i}`, { signal, expected: 8 })));
  assert.equal(guarded.filter(({ kind }) => kind === "published").length, 1);
});

for (const bytes of [300_000, 2_000_000, MAX_CONFIG_BYTES]) {
  test(`a document of ${bytes} bytes is published in pieces that any store takes, and read back whole`, async () => {
    const { store, config } = openRig();
    const text = `ä${"x\n".repeat(bytes / 2 - 1)}`;
    const txn = store.txn.bind(store);
    store.txn = (wanted: Txn, options) => {
      const written = wanted.then.map((write) => (write.kind === "put" ? write.value.length : 0));
      const total = written.reduce((sum, one) => sum + one, 0);
      assert.ok((total * 4) / 3 + 8_192 < MAX_VALUE_BYTES, `${total} bytes in one transaction`);
      return txn(wanted, options);
    };
    assert.equal((await config.publish(text, { signal })).kind, "published");
    assert.equal(textOf(await config.current({ signal })), text);
    const [piece] = store.keys().filter((key) => key.includes("/p/"));
    store.delete(piece!);
    const torn = await config.current({ signal });
    assert.match(torn.kind === "bad" ? torn.reason : torn.kind, /piece/u);
  });
}

test("pieces are written and read side by side, and those of a document that is at hand not at all", async () => {
  const { store, config } = openRig();
  const text = "z\n".repeat(1_000_000);
  const [txn, get] = [store.txn.bind(store), store.get.bind(store)];
  let [underWay, most, read] = [0, 0, 0];
  const counted = async <Made>(call: () => Promise<Made>): Promise<Made> => {
    most = Math.max(most, ++underWay);
    const made = await call();
    underWay--;
    return made;
  };
  store.txn = (wanted, options) => counted(() => txn(wanted, options));
  assert.equal((await config.publish(text, { signal })).kind, "published");
  assert.equal(most, 8);
  most = 0;
  store.get = (key, options) => {
    if (key.includes("/p/")) read++;
    return counted(() => get(key, options));
  };
  assert.equal(textOf(await config.current({ signal })), text);
  assert.deepEqual([most, read], [8, 8]);
  const digests: string[] = [];
  const atHand = (sha256: string): string => {
    digests.push(sha256);
    return text;
  };
  const current = await openRig({ atHand }, store).config.current({ signal });
  assert.ok(current.kind === "version" && current.version.text === text);
  assert.deepEqual([read, digests], [8, [current.version.sha256]]);
});

test("a piece that cannot be written ends a publishing only when no other is under way any more", async () => {
  const { store, config } = openRig();
  const txn = store.txn.bind(store);
  const late = Promise.withResolvers<void>();
  let hasEnded = false;
  store.txn = async (wanted, options) => {
    const key = wanted.then[0]?.key ?? "";
    if (key.endsWith("/00")) throw new RouterError("STORE_UNREACHABLE", "cut off");
    if (key.endsWith("/01")) await late.promise;
    return txn(wanted, options);
  };
  const publishing = config.publish("z\n".repeat(300_000), { signal }).finally(() => (hasEnded = true));
  const refused = assert.rejects(publishing, { code: "STORE_UNREACHABLE" });
  await setImmediate();
  assert.equal(hasEnded, false);
  late.resolve();
  await refused;
  assert.equal((await config.current({ signal })).kind, "none");
});

test("what is no text, or too large a one, is refused before anything is written", async () => {
  const { store, config } = openRig();
  await assert.rejects(config.publish("\ud800", { signal }), { code: "CONFIG_INVALID" });
  await assert.rejects(config.publish("x".repeat(MAX_CONFIG_BYTES + 1), { signal }), /8388609 bytes/u);
  assert.deepEqual(store.keys(), []);
});

test("only the newest versions and entries are kept, with what runs and without what nobody names", async () => {
  const { store, config } = openRig();
  const large = "y".repeat(300_000);
  await config.publish(large, { signal });
  const left = "/t/config/p/0000000002-left/00";
  store.put(left, "of a publishing that came to nothing");
  for (let i = 2; i <= 10; i++) await config.publish(`text ${i}`, { signal });
  for (let i = 11; i <= 20; i++) await config.publish(`text ${i}`, { signal });
  const versions = (): string[] => store.keys().filter((key) => key.includes("/v/"));
  await config.rollback(1, { signal });
  assert.equal(versions().length, 20);
  assert.equal(textOf(await config.current({ signal })), large);
  for (let i = 21; i <= 100; i++) await config.publish(`text ${i}`, { signal });
  assert.equal(versions().length, 20);
  assert.equal((await config.version(80, { signal })).kind, "missing");
  assert.equal(textOf(await config.version(81, { signal })), "text 81");
  assert.deepEqual(
    store.keys().filter((key) => key.includes("/p/")),
    [],
  );
  assert.equal((await config.history({ signal })).length, 100);
});

test("a pointer that somebody deleted does not let old versions be written over", async () => {
  const { store, config } = openRig();
  await config.publish("one", { signal });
  await config.publish("two", { signal });
  store.delete("/t/config/current");
  assert.equal((await config.current({ signal })).kind, "none");
  const outcome = await config.publish("three", { signal });
  assert.ok(outcome.kind === "published" && outcome.pointer.version === 3);
  assert.equal(textOf(await config.version(2, { signal })), "two");
  assert.deepEqual(
    (await config.history({ signal })).map(({ entry, version }) => `${entry}: ${version}`),
    ["3: 3", "2: 2", "1: 1"],
  );
});

test("a change whose outcome nobody can tell is settled by its line of the history, or told as unknown", async () => {
  const { store, config } = openRig();
  const other = openRig({}, store).config;
  await config.publish("one", { signal });
  const txn = store.txn.bind(store);
  let lose: "before" | "after" | "not_done" | undefined = "after";
  store.txn = async (wanted, options) => {
    const losing = lose;
    if (losing === undefined || wanted.then.length < 3) return txn(wanted, options);
    lose = undefined;
    if (losing === "after") await txn(wanted, options);
    if (losing !== "before") await other.publish(`others, ${losing}`, { signal });
    throw new RouterError("STORE_UNKNOWN", "lost on the way");
  };
  const done = await config.publish("two", { signal });
  assert.ok(done.kind === "published" && done.pointer.version === 2, "it was, and another since");
  lose = "not_done";
  const again = await config.publish("three", { signal });
  assert.ok(again.kind === "published" && again.pointer.version === 5, "it was not, and is tried again");
  assert.deepEqual(
    (await config.history({ signal })).map(({ version }) => version),
    [5, 4, 3, 2, 1],
  );
  assert.equal(textOf(await config.current({ signal })), "three");
  lose = "before";
  await assert.rejects(config.publish("four", { signal }), { code: "STORE_UNKNOWN" });
});

const spoiled = [
  { name: "a pointer that is no pointer", key: "/t/config/current", value: "{}" },
  { name: "a version that is none", key: "/t/config/v/0000000001", value: "a: 1" },
];
for (const { name, key, value } of spoiled) {
  test(`${name} is told as bad`, async () => {
    const { store, config } = openRig();
    await config.publish("one", { signal });
    store.put(key, value);
    assert.equal((await config.current({ signal })).kind, "bad");
  });
}

test("a version that was changed afterwards is told as bad, and nobody who follows takes it over", async () => {
  const { store, config } = openRig();
  await config.publish("one", { signal });
  const key = "/t/config/v/0000000001";
  const value = new TextDecoder().decode((await store.get(key, { signal }))?.value);
  store.put(key, value.replace("one", "two"));
  const read = await config.current({ signal });
  assert.ok(read.kind === "bad" && /not the one that was published/u.test(read.reason));
  assert.equal((await config.rollback(1, { signal })).kind, "unchanged");
  await config.publish("three", { signal });
  assert.equal((await config.rollback(1, { signal })).kind, "missing");
});

test("a document that is checked and wrong is not published, and not gone back to", async () => {
  const check = (text: string): string[] => (text.includes("bad") ? ["it is bad"] : []);
  const { store, config } = openRig({ check });
  assert.deepEqual(await config.publish("bad", { signal }), { kind: "invalid", problems: ["it is bad"] });
  const careless = openRig({}, store).config;
  await careless.publish("bad", { signal });
  await careless.publish("good", { signal });
  assert.equal((await config.rollback(1, { signal })).kind, "invalid");
});
