import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_DEADLINE_MS, type CallOptions } from "../../../src/store/store.ts";
import type { ContractWorld } from "../contract.ts";
import { put, withCode, write } from "./calls.ts";
import { contents } from "./reads.ts";

/** Every call of the port and of leases, by what it is called. */
type Calls = Readonly<Record<string, (options: CallOptions) => Promise<unknown>>>;

function callsOf(
  { store, leases }: ReturnType<ReturnType<ContractWorld["fixture"]>["openSilenced"]>,
  { prefix, lease }: { prefix: string; lease: string },
): Calls {
  return {
    get: (options) => store.get(`${prefix}a`, options),
    list: (options) => store.list(prefix, options),
    txn: (options) => store.txn({ if: [], then: [put(`${prefix}written`)] }, options),
    grant: (options) => leases.grant(15_000, options),
    renew: (options) => leases.renew(lease, options),
    revoke: (options) => leases.revoke(lease, options),
  };
}

/** Nothing waits for longer than it was told to. */
export function deadlines(world: ContractWorld): void {
  test("calls whose signal has fired before they begin do nothing, and throw its reason", async ({ signal }) => {
    const { store, leases } = world.fixture().openSilenced(world.options);
    await using parts = new AsyncDisposableStack();
    parts.use(store);
    parts.use(leases);
    const prefix = world.prefix();
    const { id: lease } = await leases.grant(15_000, { signal });
    const reason = new Error("no longer wanted");
    for (const call of Object.values(callsOf({ store, leases }, { prefix, lease }))) {
      await assert.rejects(call({ signal: AbortSignal.abort(reason) }), reason);
    }
    assert.deepEqual(await contents(store, prefix, signal), []);
    assert.ok(await leases.renew(lease, { signal }));
    await leases.revoke(lease, { signal });
  });

  test("calls that nobody answers end at their deadline, and with their signal", async ({ signal }) => {
    const { store, leases } = world.fixture().openSilenced(world.options);
    await using parts = new AsyncDisposableStack();
    parts.use(store);
    parts.use(leases);
    const prefix = world.prefix();
    await write(store, [put(`${prefix}a`)], signal);
    const { id: lease } = await leases.grant(60_000, { signal });
    const held = Object.entries(callsOf({ store, leases }, { prefix, lease })).filter(
      ([name]) => !world.fixture().answersAlways.some((always) => always === name),
    );
    {
      await using silence = new AsyncDisposableStack();
      silence.use(await world.fixture().silence());
      const atDeadline = held.map(([name, call]) =>
        assert.rejects(call({ signal, deadlineMs: 300 }), withCode("STORE_UNREACHABLE", "STORE_UNKNOWN"), name),
      );
      const reason = new Error("no longer wanted");
      const leaving = new AbortController();
      const atSignal = held.map(([name, call]) => assert.rejects(call({ signal: leaving.signal }), reason, name));
      await Promise.all(atDeadline);
      leaving.abort(reason);
      await Promise.all(atSignal);
    }
    // What was sent into the silence may still arrive: it is awaited by asking, not by waiting.
    await store.get(`${prefix}a`, { signal, deadlineMs: 4 * CALL_DEADLINE_MS });
    await write(store, [put(`${prefix}after`)], signal);
  });
}
