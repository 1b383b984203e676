import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import type { EtcdSettings, StoreCheck, StoreWarningCode } from "../../../src/store/store.ts";
import { withCode } from "../contract/calls.ts";
import { settingsOf, STORE_OPTIONS } from "./etcd-fixture.ts";
import { type Fields, ScriptedEtcd } from "./scripted-etcd.ts";

const { signal } = new AbortController();

async function check(etcd: ScriptedEtcd, more: Partial<EtcdSettings> = {}): Promise<StoreCheck> {
  await using store = openEtcd(settingsOf([etcd.endpoint], more), STORE_OPTIONS);
  return await store.check({ signal });
}

/** What a member says of itself, and the warning that it leads to. */
const SAYS: Readonly<Record<string, readonly [Fields, StoreWarningCode, RegExp, RegExp]>> = {
  "an alarm for want of room": [{ errors: ["memberID:1 alarm:NOSPACE "] }, "no_room", /NOSPACE/u, /alarm disarm/u],
  "an alarm for corrupt data": [{ errors: ["memberID:1 alarm:CORRUPT "] }, "corrupt", /CORRUPT/u, /disaster recovery/u],
  "no leader": [{ leader: "0" }, "no_leader", /sees no leader/u, /endpoint status/u],
  "a data file near the default quota": [
    { dbSize: String(1_900 * 1_048_576) },
    "little_room",
    /1900 MiB of 2048/u,
    /defrag/u,
  ],
  "a data file near its own quota": [
    { dbSize: "900", dbSizeQuota: "1000" },
    "little_room",
    /holds 0 MiB of 0/u,
    /defrag/u,
  ],
  "an old version": [{ version: "3.4.23" }, "old_version", /3\.4\.23 has known faults/u, /3\.4\.38 or newer/u],
};
for (const [name, [fields, code, message, hint]] of Object.entries(SAYS)) {
  test(`check: ${name} is told, with what to do`, async () => {
    await using etcd = await ScriptedEtcd.open();
    etcd.script = (call) =>
      call === "Status" ? { header: etcd.header(), version: "3.5.16", leader: "1", ...fields } : undefined;
    const { warnings } = await check(etcd);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!.message, message);
    assert.match(warnings[0]!.hint, hint);
    assert.equal(warnings[0]!.code, code);
  });
}

test("check: with nothing wrong there is nothing to tell", async () => {
  await using etcd = await ScriptedEtcd.open();
  const { warnings, version, revision } = await check(etcd);
  assert.deepEqual([warnings, version, revision], [[], "3.5.0", 100n]);
});

test("check: history that is kept for ever is told, unless it is ours to compact, or is compacted", async () => {
  await using etcd = await ScriptedEtcd.open();
  etcd.revision = 20_000;
  assert.match((await check(etcd)).warnings[0]?.hint ?? "", /--auto-compaction-mode=periodic/u);
  assert.deepEqual((await check(etcd, { compact: true })).warnings, []);
  const details = "etcdserver: mvcc: required revision has been compacted";
  etcd.script = (call, { request }) =>
    call === "Range" && request["revision"] === "1" ? { code: status.OUT_OF_RANGE, details } : undefined;
  assert.deepEqual((await check(etcd)).warnings, []);
});

test("check: a user without rights on what is read gets its answer all the same", async () => {
  await using etcd = await ScriptedEtcd.open();
  etcd.revision = 20_000;
  const details = "etcdserver: permission denied";
  etcd.script = (call) => (call === "Range" ? { code: status.PERMISSION_DENIED, details } : undefined);
  const { warnings, revision } = await check(etcd);
  assert.deepEqual([warnings, revision], [[], 20_000n]);
});

test("check: a password that nobody looks at is told", async () => {
  await using etcd = await ScriptedEtcd.open();
  const details = "etcdserver: authentication is not enabled";
  etcd.script = (call) => (call === "Authenticate" ? { code: status.FAILED_PRECONDITION, details } : undefined);
  const user = { name: "u", password: "any" };
  const codes = async (more: Partial<EtcdSettings>): Promise<readonly string[]> =>
    (await check(etcd, more)).warnings.map(({ code }) => code);
  assert.deepEqual(await codes({ user }), ["auth_off"]);
  assert.deepEqual(await codes({}), []);
  etcd.script = () => undefined;
  assert.deepEqual(await codes({ user }), []);
});

test("check: endpoints that are down, and such that are of another cluster", async () => {
  await using etcd = await ScriptedEtcd.open();
  await using other = await ScriptedEtcd.open();
  other.clusterId = "78";
  await using store = openEtcd(settingsOf([etcd.endpoint, other.endpoint]), STORE_OPTIONS);
  const both = await store.check({ signal });
  assert.match(both.warnings[0]?.message ?? "", /different clusters/u);
  await other[Symbol.asyncDispose]();
  const { warnings } = await store.check({ signal });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /is down/u);
  await etcd[Symbol.asyncDispose]();
  await assert.rejects(store.check({ signal }), withCode("STORE_UNREACHABLE"));
});
