import assert from "node:assert/strict";
import { test } from "node:test";
import { openConsul } from "../../../src/store/consul/open-consul.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { ConsulCluster } from "../../support/consul-cluster.ts";
import { put, read, withCode, write } from "../contract/calls.ts";
import { Follower } from "../contract/follower.ts";
import { CONSUL_ABSENCE, STORE_OPTIONS } from "./consul-fixture.ts";

const skip = CONSUL_ABSENCE ?? false;
const { signal } = new AbortController();

/** Three servers, of which one and then two are lost. */
export function memberTests(): void {
  test("Consul's leader is lost: what is held stays, nothing is lost, and all goes on", { skip }, async () => {
    await using cluster = await ConsulCluster.open();
    await using store = await openStore(cluster.settings, STORE_OPTIONS);
    await using session = await store.openSession({ signal });
    await using follower = new Follower(store, "/lead/");
    await write(store, [put("/lead/held", "v", session.id)], signal);
    await (await cluster.leader()).kill();
    let last = 0n;
    for (let i = 0; i < 20; i++) last = await writeOnce(store, `/lead/${i}`);
    await follower.until(() => follower.isSynced && follower.revision >= last, "all that was written");
    assert.equal(follower.state.size, 21);
    assert.equal(follower.count("resync"), 0);
    assert.equal((await read(store, "/lead/held", signal)).session, session.id);
    assert.ok(session.validForMs() > 0);
    const { warnings } = await store.check({ signal });
    assert.equal(warnings.filter(({ message }) => message.includes("ECONNREFUSED")).length, 1);
  });

  test("Consul has no leader: calls say so, watches are lost, and all goes on with the next one", {
    skip,
  }, async () => {
    await using cluster = await ConsulCluster.open();
    const leader = await cluster.leader();
    const [one, other] = cluster.members.filter((member) => member !== leader);
    assert.ok(one && other);
    await using store = openConsul({ kind: "consul", endpoints: [one.url] }, STORE_OPTIONS);
    await using follower = new Follower(store, "/quorum/");
    await write(store, [put("/quorum/a", "1")], signal);
    await follower.until(() => follower.isSynced && follower.state.size === 1, "what is there");
    await Promise.all([leader.kill(), other.kill()]);
    await assert.rejects(store.get("/quorum/a", { signal }), withCode("STORE_UNREACHABLE"));
    const written = store.txn({ if: [], then: [put("/quorum/b")] }, { signal });
    await assert.rejects(written, withCode("STORE_UNREACHABLE", "STORE_UNKNOWN"));
    await follower.until(() => follower.count("lost") > 0, "the loss");
    await leader.restart();
    const last = await writeOnce(store, "/quorum/c");
    await follower.until(() => follower.isSynced && follower.revision >= last, "what was written after it");
    assert.equal(follower.state.has("/quorum/c"), true);
    assert.equal(follower.count("resync"), 0);
  });
}

/**
 * As somebody does who has to: until it is known that it was done, each time from what is there.
 */
async function writeOnce(
  store: Pick<Awaited<ReturnType<typeof openStore>>, "txn" | "get">,
  key: string,
): Promise<bigint> {
  for (;;) {
    try {
      const outcome = await store.txn({ if: [{ kind: "absent", key }], then: [put(key)], else: [key] }, { signal });
      if (outcome.done) return outcome.revision;
      const [there] = outcome.entries;
      if (there !== undefined) return there.modified;
    } catch (cause) {
      withCode("STORE_UNREACHABLE", "STORE_UNKNOWN")(cause);
    }
  }
}
