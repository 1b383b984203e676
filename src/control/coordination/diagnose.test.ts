import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { forgetfulMemory, openFleetMemory } from "../../store/recipes/fleet-memory.ts";
import { initFleet, readFleet } from "../../store/recipes/identity.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import type { StoreFacts, StoreKind } from "../../store/store.ts";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import { diagnose, type DoctorReport } from "./diagnose.ts";
import { STORE_CHECKS, type Patient } from "./doctor-finding.ts";

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "signalbox-doctor-"));
after(() => rmSync(folder, { recursive: true }));

interface Rig {
  readonly store: FakeStore;
  readonly clock: ManualClock;
  readonly patient: Patient;
}

function openRig(more: Partial<Patient> = {}, kind: StoreKind = "embedded"): Rig {
  const store = new FakeStore();
  const facts: StoreFacts = { ...store.facts, kind };
  Object.defineProperty(store, "facts", { value: facts });
  const clock = new ManualClock();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  return {
    store,
    clock,
    patient: { ...place, remembered: async () => undefined, hasCredentials: false, isLocal: true, ...more },
  };
}

function lines({ findings }: DoctorReport, status?: string): string[] {
  return findings
    .filter((one) => status === undefined || one.status === status)
    .map(({ check, status: its, message }) => `${check} ${its}: ${message}`);
}

test("a store that is well: every check says so, and nothing is left behind", async () => {
  const { store, patient } = openRig();
  await initFleet(patient, { signal, id: "blue" });
  store.put("/t/doctor/left", "by one that was cut off");
  const report = await diagnose(patient, signal);
  assert.deepEqual(lines(report, "warning"), []);
  assert.deepEqual(lines(report, "failed"), []);
  assert.deepEqual(new Set(report.findings.map(({ check }) => check)), new Set(STORE_CHECKS));
  assert.deepEqual([store.keys(), store.sessions], [["/t/fleet"], []]);
  assert.ok(report.reachable);
});

test("a config that somebody has put into the store waits for whoever leads: said, with nobody there", async () => {
  const { store, patient } = openRig();
  await initFleet(patient, { signal, id: "blue" });
  store.put("/t/global/config", "targets: []\n");
  const report = await diagnose(patient, signal);
  const [found] = report.findings.filter(({ check }) => check === "config");
  assert.equal(found?.status, "warning");
  assert.match(`${found.message} ${found.hint}`, /\/t\/global\/config waits.* nobody leads/u);
});

test("a store that does not answer is told, and nothing else is looked at", async () => {
  const { store, patient } = openRig();
  store.setAway("STORE_UNREACHABLE");
  const report = await diagnose(patient, signal);
  assert.deepEqual([report.reachable, lines(report)], [false, ["reach failed: the test has cut it off"]]);
  store.setAway("STORE_REFUSED");
  assert.equal((await diagnose(patient, signal)).reachable, true, "it answers, and refuses");
});

test("what the store says of itself is told with what to do, compaction by its name", async () => {
  const { store, patient } = openRig();
  store.warnings = [
    { code: "never_compacted", message: "it grows", hint: "etcd --auto-compaction-retention=1h" },
    { code: "endpoint_down", message: "what has the history does not answer", hint: "start it" },
  ];
  const { findings } = await diagnose(patient, signal);
  const told = findings.filter(({ status }) => status === "warning");
  assert.deepEqual(
    told.map(({ check, hint }) => `${check}: ${hint}`),
    ["compaction: etcd --auto-compaction-retention=1h", "store: start it", `identity: ${told[2]?.hint}`],
  );
});

test("a history is called compacted only where there is enough of it to tell", async () => {
  const { store, patient } = openRig({}, "etcd");
  const check = store.check.bind(store);
  const told = async (revision: bigint): Promise<string | undefined> => {
    store.check = async (options) => ({ ...(await check(options)), revision });
    return lines(await diagnose(patient, signal)).find((line) => line.startsWith("compaction"));
  };
  assert.equal(await told(17n), "compaction ok: 17 revisions: too few to tell whether its history is ever compacted");
  assert.equal(await told(10_000n), "compaction ok: its history seems to be compacted");
});

test("a slow store, and a lease of which little is left", async () => {
  const { store, clock, patient } = openRig();
  const check = store.check.bind(store);
  store.check = async (options) => ({ ...(await check(options)), latencyMs: 900 });
  const open = store.openSession.bind(store);
  store.openSession = async (options) => {
    clock.advance(9_000);
    return open(options);
  };
  const warnings = lines(await diagnose(patient, signal), "warning").join("\n");
  assert.match(warnings, /latency warning: a read of the newest took 900 ms, above 500 ms/u);
  assert.match(warnings, /lease warning: a lease of 15 s was granted in 9000 ms/u);
});

test("keys of others below the prefix, members that are unhealthy, and entries that are no members", async () => {
  const { store, patient } = openRig();
  store.put("/t/orders/7", "x");
  for (const own of ["degradation", "sampling/eu", "sampling-spend"]) store.put(`/t/${own}`, "{}");
  store.put("/t/members/x", "{}");
  const info = { id: "a", name: "n", address: "x:1", region: "eu", capacity: 1, version: "1", metadata: {} };
  await using member = await createRegistry(patient).register(info, { signal });
  await member.heartbeat({ state: "unhealthy", reason: "disk: full" }, { signal });
  const warnings = lines(await diagnose(patient, signal), "warning").join("\n");
  assert.match(warnings, /prefix warning: \/t\/orders are not Signalbox's/u);
  assert.match(warnings, /members warning: a says that it is unhealthy: disk: full/u);
  assert.match(warnings, /members warning: \/t\/members\/x is no member/u);
});

test("members at a loopback address are told where others may be on other machines", async () => {
  const { patient } = openRig();
  const info = { name: "n", region: "eu", capacity: 1, version: "1", metadata: {} };
  const register = (id: string, address: string): Promise<AsyncDisposable> =>
    createRegistry(patient).register({ ...info, id, address }, { signal });
  const told = async (isLocal: boolean): Promise<string[]> =>
    lines(await diagnose({ ...patient, isLocal }, signal), "warning").filter((line) => line.startsWith("members"));
  await using registered = new AsyncDisposableStack();
  registered.use(await register("a", "127.0.0.1:4321"));
  assert.deepEqual(await told(true), [], "all on this machine");
  const [away] = await told(false);
  assert.match(away ?? "", /^members warning: a says that it is reached at 127\.0\.0\.1:4321, where only/u);
  registered.use(await register("b", "10.0.0.7:4321"));
  assert.equal((await told(true)).length, 1);
});

test("a region that nobody leads, and members of several versions", async () => {
  const { store, patient } = openRig();
  const summary = { region: "eu", epoch: "1.5", seq: 1, observed_at: "2026-01-01T00:00:00.000Z", controller: "a" };
  const numbers = { ...noNumbers(), versions: { "0.9.0": 2 }, config_versions: { "1": 2 } };
  store.put("/t/regions/eu", JSON.stringify({ ...summary, numbers }));
  store.put("/t/regions/us", "no summary");
  await createSharedConfig(patient).publish("one", { signal });
  await createSharedConfig(patient).publish("two", { signal });
  const info = { id: "a", name: "a", address: "x:1", region: "eu", capacity: 1, version: "1.0.0" };
  await using member = await createRegistry(patient).register({ ...info, metadata: { schema_max: "1" } }, { signal });
  assert.ok(member.isListed);
  const warnings = lines(await diagnose(patient, signal), "warning").join("\n");
  assert.match(warnings, /views warning: region eu has no controller: what is known of it is of 2026-01-01/u);
  assert.match(
    warnings,
    /versions warning: nodes run different .*: 0\.9\.0 \(collectors: 2\), 1\.0\.0 \(controllers a\)/u,
  );
  assert.match(warnings, /versions warning: the config is version 2, and others run, too: 1 \(collectors: 2\)/u);
});

test("a clock that others are ahead of", async () => {
  const { clock, patient } = openRig();
  const info = { id: "a", name: "n", address: "x:1", region: "eu", capacity: 1, version: "1", metadata: {} };
  clock.stepWall(30_000);
  await using member = await createRegistry(patient).register(info, { signal });
  clock.stepWall(-30_000);
  assert.ok(member.isListed);
  const warnings = lines(await diagnose(patient, signal), "warning").join("\n");
  assert.match(warnings, /clock warning: a wrote a time that is 30\.0 s ahead/u);
});

test("a clock that is behind: of this machine by the server's, of others by what was written before them", async () => {
  const { store, clock, patient } = openRig();
  const told = async (): Promise<string> =>
    lines(await diagnose(patient, signal))
      .filter((line) => line.startsWith("clock"))
      .join("\n");
  store.clock = { leastMs: 4_200, mostMs: 5_300 };
  assert.match(
    await told(),
    /^clock warning: this machine's clock is 4\.2 s or more behind that of the store's server$/u,
  );
  store.clock = { leastMs: -9_000, mostMs: -8_000 };
  assert.match(await told(), /^clock warning: .* is 8\.0 s or more ahead of that of the store's server$/u);
  store.clock = { leastMs: -900, mostMs: 200 };
  assert.match(await told(), /^clock ok: the store's server has this machine's time; of 0 times/u);
  const config = createSharedConfig(patient);
  await config.publish("a", { signal, by: "ann" });
  clock.stepWall(-30_000);
  await config.publish("b", { signal, by: "bob" });
  clock.stepWall(30_000);
  await config.publish("c", { signal, by: "ann" });
  assert.match(
    await told(),
    /warning: bob changed the config at a time 30\.0 s before one that ann had written already/u,
  );
});

test("a member that is listed anew keeps the time of its first registration, and is behind nobody", async () => {
  const { store, clock, patient } = openRig();
  const info = { id: "a", name: "n", address: "x:1", region: "eu", capacity: 1, version: "1", metadata: {} };
  await using member = await createRegistry(patient).register(info, { signal });
  clock.advance(60_000);
  await createSharedConfig(patient).publish("a", { signal, by: "ann" });
  const before = (await createRegistry(patient).get("a", { signal }))?.created;
  store.expire(store.sessions[0]!);
  while (!member.isListed || (await createRegistry(patient).get("a", { signal }))?.created === before) {
    await new Promise(setImmediate);
    clock.advance(100);
  }
  assert.deepEqual(
    lines(await diagnose(patient, signal), "warning").filter((line) => line.startsWith("clock")),
    [],
  );
});

test("a fleet that this node does not follow fails, with what to do", async () => {
  const memory = await openFleetMemory(join(folder, "fleet.json"));
  const { store, patient } = openRig({ remembered: async () => memory });
  await initFleet(patient, { signal, id: "blue" });
  await memory.check(await readFleet(patient, { signal }));
  assert.deepEqual(lines(await diagnose(patient, signal), "failed"), []);
  store.delete("/t/fleet");
  const { findings } = await diagnose(patient, signal);
  const failed = findings.find(({ status }) => status === "failed");
  assert.ok(failed?.check === "identity" && failed.hint?.includes("signalbox fleet adopt") === true);
});

test("a store of its own fleet whose config is older than what this node has seen fails, too", async () => {
  const memory = forgetfulMemory();
  const { patient } = openRig({ remembered: async () => memory });
  await initFleet(patient, { signal, id: "blue" });
  await createSharedConfig(patient).publish("a: 1\n", { signal });
  await memory.check(await readFleet(patient, { signal }));
  assert.deepEqual(lines(await diagnose(patient, signal), "failed"), []);
  await memory.offer("config/current", { generation: 1, revision: 1_000n });
  const [line, ...more] = lines(await diagnose(patient, signal), "failed");
  assert.match(line ?? "", /^identity failed: .* of the config, and this node has seen 1\.1000/u);
  assert.deepEqual(more, []);
});

test("a memory of the fleet that cannot be read fails, and all else is looked at", async () => {
  const file = join(folder, "torn.json");
  writeFileSync(file, "torn");
  const { patient } = openRig({ remembered: () => openFleetMemory(file) });
  const report = await diagnose(patient, signal);
  assert.deepEqual(
    report.findings.filter(({ status }) => status === "failed").map(({ check }) => check),
    ["identity"],
  );
  assert.ok(report.findings.some(({ check }) => check === "clock"));
});

test("rights: what cannot be written, what more can be read, and a store that is open to all", async () => {
  const { store, patient } = openRig({ hasCredentials: true, isLocal: false }, "etcd");
  const wide = (await diagnose(patient, signal)).findings.find(
    ({ message }) => message === "more than /t/ can be read",
  );
  assert.equal(wide?.status, "warning");
  assert.match(wide.hint ?? "", /etcdctl auth enable.*cut the rights down/u, "without it all may read all");
  const txn = store.txn.bind(store);
  store.txn = () => store.failed("STORE_REFUSED");
  const refused = (await diagnose(patient, signal)).findings.find(({ check }) => check === "rights");
  assert.match(`${refused?.message} ${refused?.hint}`, /cannot be written: .*readwrite \/t\/ --prefix=true/u);
  store.txn = txn;
  const get = store.get.bind(store);
  store.get = (key, options) => (key.startsWith("/t/") ? get(key, options) : store.failed("STORE_REFUSED"));
  assert.ok(!lines(await diagnose(patient, signal), "warning").some((line) => line.startsWith("rights")));
  store.get = get;
  const code = "auth_off";
  store.warnings = [{ code, message: "nobody is asked who they are", hint: "etcdctl auth enable" }];
  const off = (await diagnose(patient, signal)).findings.filter((one) => one.check === "rights");
  assert.deepEqual(
    off.map(({ message }) => message),
    ["nobody is asked who they are", "keys below /t/ can be read, written and deleted"],
  );
  const open = openRig({ isLocal: false }, "consul");
  assert.match(lines(await diagnose(open.patient, signal), "warning").join("\n"), /consul is asked without a user/u);
});
