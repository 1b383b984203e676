import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import { RouterError } from "../../../src/core/errors.ts";
import type { StoreAdapter, StoreOptions } from "../../../src/store/store.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { absent, plain, put, read, textOf, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { contents } from "../contract/reads.ts";
import { settingsOf, STORE_OPTIONS } from "./etcd-fixture.ts";

/** Three members, of which some are lost or stand still. */

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : false;
const { signal } = new AbortController();
/** Clients begin with the first member. */
const FROM_FIRST: StoreOptions = { ...STORE_OPTIONS, random: { next: () => 0 } };

interface Cluster extends AsyncDisposable {
  readonly server: EtcdServer;
  readonly store: StoreAdapter;
  readonly follower: Follower;
}

async function cluster(prefix: string): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await EtcdServer.open({ members: 3 }));
  const store = stack.use(openEtcd(settingsOf(server.endpoints), FROM_FIRST));
  const follower = stack.use(new Follower(store, prefix));
  await follower.until(() => follower.isSynced, "the snapshot");
  const first = await write(store, [put(`${prefix}first`)], signal);
  await follower.until(() => follower.revision >= first, "the first change"); // the stream stands
  const parts = stack.move();
  return { server, store, follower, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Writes until it is done: for a while nobody leads, and then nothing can be known for certain. */
async function writeAtLast(store: StoreAdapter, key: string): Promise<bigint> {
  for (;;) {
    try {
      return await write(store, [put(key)], signal);
    } catch (cause) {
      assert.ok(cause instanceof RouterError);
      assert.ok(cause.code === "STORE_UNREACHABLE" || cause.code === "STORE_UNKNOWN", cause.message);
    }
  }
}

describe("etcd of three members", { skip, concurrency: true }, () => {
  test("a member that dies takes nothing along: calls and watches go on with another", async () => {
    await using parts = await cluster("/m/");
    const { server, store, follower } = parts;
    await server.members[0]!.kill();
    const last = await writeAtLast(store, "/m/a");
    await follower.until(() => follower.isSynced && follower.revision >= last, "the change");
    assert.deepEqual(plain(follower.state.values()), await contents(store, "/m/", signal));
    assert.deepEqual([follower.count("lost"), follower.count("resync")], [1, 0]);
    const { warnings } = await store.check({ signal });
    const down = warnings.filter(({ message }) => message.includes(`${server.members[0]!.endpoint} is down`));
    assert.equal(down.length, 1);
    assert.match(down[0]?.hint ?? "", /start it again/u);
  });

  test("a member that stands still is left by calls at once, and by watches when its pings are not answered", async () => {
    await using parts = await cluster("/s/");
    const { server, store, follower } = parts;
    server.members[0]!.pause();
    for (let tries = 0; ; tries++) {
      const entry = await store.get("/s/first", { signal, deadlineMs: 2_000 }).catch(() => undefined);
      if (entry !== undefined) break;
      assert.ok(tries < 10, "another member answers"); // while they elect
    }
    const last = await writeAtLast(store, "/s/a");
    await follower.until(() => follower.count("lost") === 1, "the loss");
    await follower.until(() => follower.isSynced && follower.revision >= last, "the change");
    server.members[0]!.resume();
    assert.deepEqual(plain(follower.state.values()), await contents(store, "/s/", signal));
    assert.equal(follower.count("resync"), 0);
  });

  test("without a quorum calls fail in time, watches are told, and both go on when it is back", async () => {
    await using parts = await cluster("/q/");
    const { server, store, follower } = parts;
    await Promise.all([server.members[1]!.kill(), server.members[2]!.kill()]);
    const txn = { if: [absent("/q/a")], then: [put("/q/a", "nonce")] };
    const failing = [
      assert.rejects(store.get("/q/first", { signal, deadlineMs: 1_500 }), withCode("STORE_UNREACHABLE")),
      assert.rejects(store.txn(txn, { signal, deadlineMs: 1_500 }), withCode("STORE_UNREACHABLE", "STORE_UNKNOWN")),
    ];
    await Promise.all(failing);
    await follower.until(() => follower.count("lost") > 0, "the loss: a member without a leader says so");
    const told = await store.check({ signal }).catch((cause: unknown) => cause);
    assert.ok(told instanceof RouterError && told.code === "STORE_UNREACHABLE");
    await Promise.all([server.members[1]!.start(), server.members[2]!.start()]);
    const last = await writeAtLast(store, "/q/b");
    await follower.until(() => follower.isSynced && follower.revision >= last, "the change");
    assert.deepEqual(plain(follower.state.values()), await contents(store, "/q/", signal));
    assert.equal(follower.count("resync"), 0);
  });

  test("an endpoint that dies during transactions: each is carried out once", async () => {
    await using parts = await cluster("/t/");
    const { server, store, follower } = parts;
    const before = follower.events.length;
    let { modified } = await read(store, "/t/first", signal);
    const faults: Promise<void>[] = [];
    for (let i = 1; i <= 90; i++) {
      if (i === 30) faults.push(server.members[0]!.kill());
      if (i === 60) {
        await Promise.all(faults);
        await server.members[0]!.start();
        faults.push(server.members[1]!.kill());
      }
      modified = await step(store, i, modified);
    }
    await Promise.all(faults);
    await follower.until(() => follower.revision >= modified, "the last");
    const steps = follower.events.slice(before).flatMap((event) => (event.kind === "changes" ? event.puts : []));
    const counted = Array.from({ length: 90 }, (_, i) => String(i + 1));
    assert.deepEqual(steps.map(textOf), counted);
  });
});

/** Counts on, whatever was heard of the one before. */
async function step(store: StoreAdapter, count: number, modified: bigint): Promise<bigint> {
  const value = String(count);
  for (;;) {
    const txn = {
      if: [{ kind: "modified", key: "/t/first", revision: modified }],
      then: [put("/t/first", value)],
    } as const;
    try {
      const outcome = await store.txn(txn, { signal });
      assert.ok(outcome.done, "nobody else counts");
      return outcome.revision;
    } catch (cause) {
      assert.ok(cause instanceof RouterError);
      // Nobody may lead for longer than one call waits: then what is there is what counts.
      assert.ok(cause.code === "STORE_UNREACHABLE" || cause.code === "STORE_UNKNOWN", cause.message);
      const entry = await store.get("/t/first", { signal }).catch(() => undefined);
      if (entry !== undefined && textOf(entry) === value) return entry.modified;
    }
  }
}
