import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Lease, LeaseClient } from "../../../src/store/lease.ts";
import { openEtcdLeases } from "../../../src/store/etcd/etcd-leases.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { settingsOf } from "./etcd-fixture.ts";
import { ScriptedEtcd, type ScriptedStream } from "./scripted-etcd.ts";

/** The first try of a call of one endpoint takes 6.5 s of these, of a short one three quarters. */
const LONG_MS = 8_000;
const FIRST_TRY_MS = 6_500;
const SHORT_MS = 800;
const FIRST_SHORT_TRY_MS = 600;
const { signal } = new AbortController();

interface Renewing extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly leases: LeaseClient;
  /** Its stream, as soon as something was asked over one. */
  readonly next: () => Promise<ScriptedStream>;
  readonly answer: (stream: ScriptedStream) => void;
}

async function renewing(): Promise<Renewing> {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await ScriptedEtcd.open());
  const clock = new ManualClock();
  const options = { clock, random: { next: () => 0 }, observer: SILENT_OBSERVER };
  const leases = stack.use(openEtcdLeases(settingsOf([etcd.endpoint]), options));
  const parts = stack.move();
  const next = async (): Promise<ScriptedStream> => {
    const opened = etcd.next("LeaseKeepAlive");
    for (;;) {
      const stream = await Promise.race([opened, setImmediate()]);
      if (stream !== undefined) return stream;
      clock.advance(0); // there is no pause between two tries
    }
  };
  const answer = (stream: ScriptedStream): void => stream.send({ header: etcd.header(), ID: "7", TTL: "3" });
  return { clock, leases, next, answer, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const RENEWED: Lease = { id: "7", ttlMs: 3_000 };

test("a renewal that is not answered leaves the others a connection over which others were answered since", async () => {
  await using parts = await renewing();
  const { clock, leases, next, answer } = parts;
  const silent = leases.renew("7", { signal, deadlineMs: LONG_MS });
  const { peer } = await next();
  clock.advance(FIRST_TRY_MS / 2);
  const answered = leases.renew("7", { signal, deadlineMs: LONG_MS });
  answer(await next());
  assert.deepEqual(await answered, RENEWED);
  clock.advance(FIRST_TRY_MS / 2);
  const again = await next();
  assert.equal(again.peer, peer);
  answer(again);
  assert.deepEqual(await silent, RENEWED);
});

test("a connection over which nothing was heard since is replaced", async () => {
  await using parts = await renewing();
  const { clock, leases, next, answer } = parts;
  const answered = leases.renew("7", { signal, deadlineMs: LONG_MS });
  const first = await next();
  answer(first);
  assert.deepEqual(await answered, RENEWED);
  const silent = leases.renew("7", { signal, deadlineMs: LONG_MS });
  assert.equal((await next()).peer, first.peer);
  clock.advance(FIRST_TRY_MS);
  const again = await next();
  assert.notEqual(again.peer, first.peer);
  answer(again);
  assert.deepEqual(await silent, RENEWED);
});

test("a connection that is new outlives a call that has little time", async () => {
  await using parts = await renewing();
  const { clock, leases, next, answer } = parts;
  const short = leases.renew("7", { signal, deadlineMs: SHORT_MS });
  const { peer } = await next();
  clock.advance(FIRST_SHORT_TRY_MS);
  const again = await next();
  assert.equal(again.peer, peer);
  answer(again);
  assert.deepEqual(await short, RENEWED);
});
