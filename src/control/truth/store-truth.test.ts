import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { sha256Of } from "../../core/sha256.ts";
import { type FleetMemory, forgetfulMemory } from "../../store/recipes/fleet-memory.ts";
import { createLog } from "../../telemetry/log.ts";
import { CONFIG_SCOPE } from "../fleet/directive.ts";
import { askRollout } from "../rollout/ask-rollout.ts";
import { adoptFleet, initFleet } from "../../store/recipes/identity.ts";
import { createSharedConfig, type LeaderGuard } from "../../store/recipes/shared-config.ts";
import type { TruthNews } from "./config-truth.ts";
import { lastGoodFile } from "./last-good.ts";
import { Mirror, mirrorKey, mirrorTask, proposalWaits } from "./mirror.ts";
import { publishable } from "./published-document.ts";
import { StoreTruth } from "./store-truth.ts";

const { signal } = new AbortController();
const TEXT = "targets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n";

interface SceneOptions {
  readonly validators?: readonly ((text: string) => readonly string[])[];
  readonly memory?: FleetMemory;
}

function open({ memory = forgetfulMemory(), ...options }: SceneOptions = {}) {
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock: new ManualClock(), random: seededRandom(1) };
  const truth = new StoreTruth({ ...place, memory, ...options });
  return { store, place, memory, truth, shared: createSharedConfig(place) };
}

function propose({ truth }: ReturnType<typeof open>, text: string, version = 0, publish = {}) {
  return truth.propose({ expected: { version, text: "" }, text, publish });
}

async function heard(news: AsyncIterator<TruthNews>): Promise<string> {
  const { value } = (await news.next()) as IteratorResult<TruthNews, undefined>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the library says any
  if (value === undefined) return "end";
  return value.kind === "document" ? String(value.version) : value.kind === "trouble" ? value.trouble.kind : value.kind;
}

test("a long document that was published here is not read back in its pieces; by others it is", async () => {
  const scene = open();
  const text = `${TEXT}# ${"long ".repeat(100_000)}\n`;
  const get = scene.store.get.bind(scene.store);
  let pieces = 0;
  scene.store.get = (key, options) => {
    if (key.includes("/config/p/")) pieces++;
    return get(key, options);
  };
  assert.equal((await propose(scene, text, 0, { init: true })).kind, "taken");
  const next = `${text}# more\n`;
  assert.equal((await propose(scene, next, 1)).kind, "taken");
  const read = await scene.truth.read({ signal });
  assert.ok(read.kind === "document" && read.text === next && read.version === 2);
  assert.equal(pieces, 0);
  const first = await scene.shared.version(1, { signal });
  assert.ok(first.kind === "version" && first.version.text === text);
  assert.equal(pieces, 2);
});

test("a document is published without `node`, and with all its comments elsewhere", () => {
  const made = publishable(`# of one node\nnode:\n  id: x # mine\n\n# where it goes\n${TEXT}`);
  assert.ok(made.kind === "document");
  assert.equal(made.text.includes("node:"), false);
  assert.ok(made.text.includes(`# where it goes\n${TEXT}`));
});

for (const [what, value] of [
  ["a text", '"s3cret"'],
  ["what a reference falls back to", '"${env:TOKEN:-s3cret}"'],
  ["a number", "12345"],
  ["a part beside a reference", '"hunter2${env:TOKEN}"'],
  ["a part behind one, with a scheme", '"Bearer ${env:TOKEN}hunter2"'],
] as const) {
  test(`a secret that stands in a document as ${what} is refused with its path and a hint`, () => {
    const made = publishable(
      `targets: [{ id: a, endpoint: http://127.0.0.1:1, headers: { authorization: ${value} } }]`,
    );
    assert.ok(made.kind === "invalid");
    assert.deepEqual(
      made.problems.map(({ path }) => path),
      ["targets[0].headers.authorization"],
    );
    assert.match(made.problems[0]?.hint ?? "", /\$\{env:NAME\}/u);
  });
}

for (const proxy of ["http://ann:hunter2${env:TOKEN}@proxy:3128", "http://ann:${env:TOKEN}hunter2@proxy:3128"]) {
  test(`a part of a proxy's password that stands beside a reference is a secret: ${proxy}`, () => {
    const made = publishable(`targets: [{ id: a, endpoint: http://127.0.0.1:1, proxy: "${proxy}" }]`);
    assert.ok(made.kind === "invalid");
    assert.deepEqual(
      made.problems.map(({ path }) => path),
      ["targets[0].proxy"],
    );
  });
}

for (const [key, value] of [
  ["headers", '{ authorization: "Token token=${env:TOKEN}", x-key: "${env:USER}:${file:/etc/key}" }'],
  ["proxy", '"http://ann:${env:TOKEN}@proxy:3128"'],
  ["proxy", '"http://${env:USER}:${env:TOKEN}@${env:PROXY}:3128"'],
] as const) {
  test(`what is a secret in these is a reference: ${key} ${value}`, () => {
    assert.equal(publishable(`targets: [{ id: a, endpoint: http://127.0.0.1:1, ${key}: ${value} }]`).kind, "document");
  });
}

test("references, also within a text, and the paths of files are no secrets", () => {
  const headers = 'headers: { authorization: "Bearer ${env:TOKEN}" }, tls: { key: /etc/key.pem, cert: /etc/cert.pem }';
  const made = publishable(`targets: [{ id: a, endpoint: https://127.0.0.1:1, ${headers} }]`);
  assert.equal(made.kind, "document");
});

test("a document of a newer schema than this build reads is not published", () => {
  const made = publishable(`schema: 2\n${TEXT}`);
  assert.ok(made.kind === "invalid");
  assert.deepEqual(made.problems[0]?.path, "schema");
});

test("epochs of the leader's directives and of what is published are remembered apart", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  assert.equal((await scene.truth.inspect(signal)).kind, "version");
  const generation = scene.memory.identity?.generation ?? 0;
  assert.equal(await scene.memory.offer(CONFIG_SCOPE, { generation, revision: 1n }), "newer", "an earlier leader's");
  assert.equal(await scene.memory.offer(CONFIG_SCOPE, { generation, revision: 1_000n }), "newer", "a later one's");
  assert.equal((await scene.truth.inspect(signal)).kind, "version");
});

test("without a fleet nothing is published, and the reason names the prefix and how to make one", async () => {
  const scene = open();
  const refused = await propose(scene, TEXT);
  assert.ok(refused.kind === "store" && !refused.passing);
  assert.match(`${refused.reason} ${refused.hint}`, /\/t .*config apply --init/u);
  assert.deepEqual(scene.store.keys(), []);
  const taken = await propose(scene, TEXT, 0, { init: true, author: "ann@laptop", note: "the first" });
  assert.ok(taken.kind === "taken" && taken.version === 1);
  const [entry] = await scene.shared.history({ signal });
  assert.deepEqual([entry?.by, entry?.note], ["ann@laptop", "the first"]);
});

test("what was published meanwhile is not written over, and a store that lost its config is no conflict", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  assert.equal((await propose(scene, `${TEXT}#2\n`, 7)).kind, "conflict");
  assert.deepEqual(await propose(scene, TEXT, 1), { kind: "same", version: 1 });
  scene.store.delete("/t/config/current");
  const taken = await propose(scene, `${TEXT}#3\n`, 7);
  assert.equal(taken.kind, "taken");
});

test("a proposal that is withdrawn takes the fleet back, unless somebody has gone on", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  const taken = await propose(scene, `${TEXT}#2\n`, 1);
  assert.ok(taken.kind === "taken");
  await taken.withdraw();
  const now = await scene.truth.read({ signal });
  assert.ok(now.kind === "document");
  assert.deepEqual([now.version, now.text], [1, TEXT]);
});

test("a validator of the library keeps a document from the fleet, also when it fails", async () => {
  const scene = open({ validators: [() => [], (text) => (text.includes("#bad") ? ["not like this"] : [])] });
  await propose(scene, TEXT, 0, { init: true });
  const refused = await propose(scene, `${TEXT}#bad\n`, 1);
  assert.ok(refused.kind === "invalid");
  assert.equal(refused.problems[0]?.message, "not like this");
});

test("who watches is told each version, what is wrong, and that all is well again", async () => {
  const scene = open();
  const ending = new AbortController();
  const news = scene.truth.watch({ signal: ending.signal });
  assert.equal(await heard(news), "unformed");
  await initFleet(scene.place, { signal, id: "f" });
  assert.equal(await heard(news), "none");
  await propose(scene, TEXT);
  assert.equal(await heard(news), "1");
  await propose(scene, `${TEXT}#2\n`, 1);
  assert.equal(await heard(news), "2");
  scene.store.delete("/t/fleet");
  assert.equal(await heard(news), "isolated");
  await adoptFleet(scene.place, { signal, known: scene.memory.identity });
  assert.equal(await heard(news), "2");
  ending.abort();
  assert.equal(await heard(news), "end");
});

test("trouble that no change of the store ends is looked at again: it was of the node itself", async () => {
  const remembered = forgetfulMemory();
  let isPutBack = true;
  const offer: FleetMemory["offer"] = async (scope, epoch) => (isPutBack ? "older" : remembered.offer(scope, epoch));
  const memory: FleetMemory = { ...remembered, check: (found) => remembered.check(found), offer };
  const scene = open({ memory });
  await propose(scene, TEXT, 0, { init: true });
  const ending = new AbortController();
  const news = scene.truth.watch({ signal: ending.signal });
  await remembered.offer("config/current", { generation: 1, revision: 1n });
  assert.equal(await heard(news), "isolated");
  const next = heard(news);
  const { clock } = scene.place;
  for (let turns = 0; clock.pending === 0 && turns < 100; turns++) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  assert.equal(clock.pending, 1);
  isPutBack = false;
  scene.place.clock.advance(45_000);
  assert.equal(await next, "1");
  ending.abort();
  assert.equal(await heard(news), "end");
});

test("a node that cannot keep what it is to remember says so, and does not call the store unreachable", async () => {
  const remembered = forgetfulMemory();
  const check: FleetMemory["check"] = async () => Promise.reject(new Error("EROFS: read-only file system"));
  const scene = open({ memory: { ...remembered, check } });
  const seen = await scene.truth.inspect(signal);
  assert.ok(seen.kind === "trouble" && seen.trouble.kind === "bad");
  assert.match(`${seen.trouble.reason} ${seen.trouble.hint}`, /EROFS.*node\.data_dir/u);
});

test("a pointer that is older than one that was obeyed is a store that was put back: it is not followed", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  assert.equal((await scene.truth.inspect(signal)).kind, "version");
  const generation = scene.memory.identity?.generation ?? 0;
  await scene.memory.offer("config/current", { generation, revision: 1_000n });
  const seen = await scene.truth.inspect(signal);
  assert.ok(seen.kind === "trouble" && seen.trouble.kind === "isolated");
});

test("the last good config is what was written, and what is torn is none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-good-"));
  const file = lastGoodFile(join(folder, "fleet-config.json"));
  assert.deepEqual(await file.read(), { good: undefined, damaged: undefined });
  const good = { fleet: "f", version: 3, text: TEXT, author: "ann", note: "" };
  await file.write(good);
  assert.deepEqual((await file.read()).good, good);
  const rest = `${JSON.stringify(good)}\n`;
  const written = readFileSync(join(folder, "fleet-config.json"), "utf8");
  assert.equal(written, `signalbox-fleet-config-1 ${sha256Of(rest)}\n${rest}`);
  rmSync(folder, { recursive: true });
});

const log = createLog({ clock: new ManualClock(), write: () => {}, level: "error", format: "json", colour: false });

test("what people put into the mirror is the next version, or is refused and written over", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  const check = async (text: string): Promise<readonly string[]> => (text.includes("#bad") ? ["bad"] : []);
  const told = [Promise.withResolvers<string>(), Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let count = 0;
  const memory = scene.memory;
  await using watched = new Mirror({ ...scene.place, memory }, undefined, {
    log,
    check,
    told: (news) => told[count++]?.resolve(news.kind),
  });
  assert.equal(await told[0]?.promise, "written");
  const shown = async (): Promise<string> => {
    const entry = await scene.store.get(mirrorKey("/t"), { signal });
    return new TextDecoder().decode(entry?.value);
  };
  assert.equal(await shown(), TEXT);
  scene.store.put(mirrorKey("/t"), `${TEXT}#by hand\n`);
  assert.equal(await told[1]?.promise, "taken");
  const now = await scene.truth.read({ signal });
  assert.ok(now.kind === "document" && now.version === 2 && now.text === `${TEXT}#by hand\n`);
  scene.store.put(mirrorKey("/t"), `${TEXT}#bad\n`);
  assert.equal(await proposalWaits(scene.place, { signal }), true);
  assert.equal(await told[2]?.promise, "refused");
  assert.equal(await shown(), `${TEXT}#by hand\n`);
  assert.equal(await proposalWaits(scene.place, { signal }), false);
  assert.deepEqual(await watched.sync({ signal }), { kind: "same" });
});

test("what was put into the mirror before a version was published is older than that, and is refused", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  scene.store.put(mirrorKey("/t"), `${TEXT}#before\n`);
  await propose(scene, `${TEXT}#2\n`, 1);
  const told = Promise.withResolvers<string>();
  await using watched = new Mirror({ ...scene.place, memory: scene.memory }, undefined, {
    log,
    check: async () => [],
    told: (news) => told.resolve(news.kind),
  });
  assert.equal(await told.promise, "refused");
  const now = await scene.truth.read({ signal });
  assert.ok(now.kind === "document" && now.version === 2);
  assert.deepEqual(await watched.sync({ signal }), { kind: "same" });
});

test("whoever leads the fleet keeps the mirror, under its leadership, until it leads no more", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  const told = Promise.withResolvers<string>();
  const options = { log, check: async () => [], told: ({ kind }: { kind: string }) => told.resolve(kind) };
  let guarded = 0;
  const leadership: LeaderGuard = {
    guarded(txn, call) {
      guarded++;
      return scene.store.txn(txn, call);
    },
  };
  const ending = new AbortController();
  const done = mirrorTask({ ...scene.place, memory: scene.memory }, options)({ leadership, signal: ending.signal });
  assert.deepEqual([await told.promise, guarded], ["written", 1]);
  ending.abort();
  await done;
});

test("what is staged is published for some, is one at a time, and does not become what all run", async () => {
  const scene = open();
  const staged = { staged: true, author: "ann" };
  const first = await propose(scene, TEXT, 0, { ...staged, init: true });
  assert.ok(first.kind === "store" && first.hint.includes("without --staged"));
  await propose(scene, TEXT, 0, { init: true });
  const second = await propose(scene, `node: { id: x }\n${TEXT}#2\n`, 1, staged);
  assert.ok(second.kind === "staged" && second.version === 2);
  const now = await scene.truth.read({ signal });
  assert.ok(now.kind === "document" && now.version === 1);
  const read = await scene.shared.version(2, { signal });
  assert.ok(read.kind === "version" && !read.version.text.includes("node:"));
  const third = await propose(scene, `${TEXT}#3\n`, 1, staged);
  assert.ok(third.kind === "store" && third.reason.includes("version 2 is being tried"));
  assert.equal((await propose(scene, `${TEXT}#3\n`, 7, staged)).kind, "conflict");
});

test("a node that tries a version says so, instead of that it will have another one in a moment", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  await propose(scene, `${TEXT}#2\n`, 1, { staged: true });
  for (const publish of [{}, { staged: true }]) {
    const refused = await propose(scene, `${TEXT}#3\n`, 2, publish);
    assert.ok(refused.kind === "conflict");
    assert.equal(refused.reason, "this node tries version 2, and version 1 runs in the fleet");
    assert.match(refused.hint, /config rollout abort/u);
  }
  const late = await propose(scene, `${TEXT}#3\n`, 7);
  assert.ok(late.kind === "conflict" && late.hint.startsWith("it is applied in a moment"));
  await askRollout(scene.place, "abort", { by: "bob", signal });
  const back = await propose(scene, `${TEXT}#3\n`, 2);
  assert.ok(back.kind === "conflict" && back.hint.startsWith("it is applied in a moment"));
});

test("a document that was rolled back is published by nobody until it is asked for, not by hand either", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  await propose(scene, `${TEXT}#2\n`, 1, { staged: true });
  await askRollout(scene.place, "abort", { by: "bob", signal });
  const want = { kind: "rolled_back", version: 2, reason: "bob has ended it" };
  for (const publish of [{}, { staged: true }]) assert.deepEqual(await propose(scene, `${TEXT}#2\n`, 1, publish), want);
  const check = async (): Promise<readonly string[]> => [];
  const mirror = new Mirror({ ...scene.place, memory: scene.memory }, undefined, { log, check });
  await mirror.sync({ signal });
  scene.store.put(mirrorKey("/t"), `${TEXT}#2\n`);
  const news = await mirror.sync({ signal });
  await mirror[Symbol.asyncDispose]();
  assert.ok(news.kind !== "taken");
  const now = await scene.truth.read({ signal });
  assert.ok(now.kind === "document" && now.version === 1);
  assert.equal((await propose(scene, `${TEXT}#2\n`, 1, { again: true })).kind, "taken");
});

test("a document that was tried in vain, and runs, is nothing new to anybody", async () => {
  const scene = open();
  await propose(scene, TEXT, 0, { init: true });
  await propose(scene, `${TEXT}#2\n`, 1, { staged: true });
  await askRollout(scene.place, "abort", { by: "bob", signal });
  // As one has written it who knows nothing of that.
  const read = await scene.shared.candidate({ signal });
  assert.ok(read.kind === "candidate");
  await scene.shared.publish(`${TEXT}#2\n`, { signal });
  const now = await scene.shared.candidate({ signal });
  assert.ok(now.kind === "candidate");
  await scene.shared.update(now, read.candidate, { signal });
  for (const publish of [{}, { staged: true }])
    assert.deepEqual(await propose(scene, `${TEXT}#2\n`, 3, publish), { kind: "same", version: 3 });
});
