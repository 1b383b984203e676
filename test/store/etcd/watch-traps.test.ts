import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { seededRandom } from "../../../src/core/random.ts";
import { openEtcd } from "../../../src/store/etcd/open-etcd.ts";
import type { EtcdSettings, WatchEvent } from "../../../src/store/store.ts";
import { SILENT_OBSERVER } from "../contract.ts";
import { Follower } from "../contract/follower.ts";
import { settingsOf } from "./etcd-fixture.ts";
import { HeldClock } from "../../support/held-clock.ts";
import { ScriptedEtcd, type ScriptedStream } from "./scripted-etcd.ts";

/** What etcd was seen to do to watches (facts/coordination.md 1.3 and 1.6), one trap a test. */

interface Watched extends AsyncDisposable {
  readonly etcd: ScriptedEtcd;
  readonly clock: HeldClock;
  readonly follower: Follower;
  /** After the snapshot, at revision 100, of `/a` at 90 and `/b` at 95; it is not yet created. */
  readonly stream: ScriptedStream;
}

async function watched(more: Partial<EtcdSettings> = {}): Promise<Watched> {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await ScriptedEtcd.open());
  etcd.put("/a", 90);
  etcd.put("/b", 95);
  const clock = new HeldClock();
  const store = openEtcd(settingsOf([etcd.endpoint], more), {
    clock,
    random: seededRandom(1),
    observer: SILENT_OBSERVER,
  });
  stack.use(store);
  const follower = stack.use(new Follower(store, "/"));
  const stream = await etcd.next("Watch");
  const parts = stack.move();
  return { etcd, clock, follower, stream, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** `key@revision`, and `-key` for what is gone, event by event. */
function told(events: readonly WatchEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === "lost" || event.kind === "synced") return event.kind;
    const puts = event.kind === "snapshot" ? event.entries : event.puts;
    const deletes = event.kind === "snapshot" ? [] : event.deletes;
    const all = [...puts.map(({ key, modified }) => `${key}@${modified}`), ...deletes.map((key) => `-${key}`)];
    return `${event.kind === "resync" ? event.why : event.kind} ${all.join(" ")}`.trim();
  });
}

const BEGUN = ["snapshot /a@90 /b@95", "synced"];

test("a watch asks for leaders, begins after its snapshot, and goes on behind its last event, not behind its header", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  assert.equal(stream.start, 101);
  assert.deepEqual(stream.metadata.get("hasleader"), ["true"]);
  etcd.revision = 3_000; // what heads all that comes now
  stream.created();
  stream.events([
    ["/a", 101],
    ["/a", 102],
  ]);
  await follower.until(() => follower.revision === 102n, "the first changes");
  etcd.put("/a", 150);
  stream.fail(status.UNAVAILABLE, "cut while catching up");
  const next = await etcd.next("Watch");
  assert.equal(next.start, 103);
  next.created();
  next.events([
    ["/c", 120],
    ["/a", 150],
  ]);
  etcd.put("/c", 120);
  await follower.until(() => follower.isSynced, "the rest");
  assert.deepEqual(told(follower.events), [
    ...BEGUN,
    "changes /a@101",
    "changes /a@102",
    "lost",
    "changes /c@120",
    "changes /a@150",
    "synced",
  ]);
});

test("a connection that ends between created and the first event loses none", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  etcd.put("/a", 101);
  etcd.revision = 2_000;
  stream.created();
  stream.fail(status.UNAVAILABLE, "cut");
  const next = await etcd.next("Watch");
  assert.equal(next.start, 101);
  next.created();
  next.events([["/a", 101]]);
  await follower.until(() => follower.isSynced && follower.count("changes") === 1, "the change");
});

test("synced comes only when all is told that was there when it got through", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  stream.created();
  stream.fail(status.UNAVAILABLE, "cut");
  etcd.put("/a", 110);
  etcd.entries.delete("/b");
  etcd.revision = 111;
  await follower.until(() => follower.count("lost") === 1, "the loss");
  const next = await etcd.next("Watch");
  next.created();
  next.events([["/a", 110]]);
  await follower.until(() => follower.revision === 110n, "the first");
  assert.equal(follower.isSynced, false);
  next.events([["/b", 111, "gone"]]);
  await follower.until(() => follower.isSynced, "the second");
});

test("what was told already is left out, also what a restored member sends again; of one revision all is kept", async () => {
  await using parts = await watched();
  const { follower, stream } = parts;
  stream.created();
  stream.events([
    ["/a", 101],
    ["/b", 101],
  ]);
  stream.events([
    ["/a", 101],
    ["/b", 101],
    ["/c", 102],
  ]);
  stream.events([
    ["/a", 40],
    ["/b", 95],
  ]);
  stream.events([["/d", 103]]);
  await follower.until(() => follower.revision === 103n, "the last");
  assert.deepEqual(told(follower.events), [...BEGUN, "changes /a@101 /b@101", "changes /c@102", "changes /d@103"]);
});

test("parts of a revision are told together, and those of a stream that was lost not at all", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  stream.created();
  stream.events([["/a", 101]], { fragment: true });
  stream.events([["/b", 101]], { fragment: true });
  stream.fail(status.UNAVAILABLE, "cut within a revision");
  etcd.put("/a", 101);
  etcd.put("/b", 101);
  const next = await etcd.next("Watch");
  assert.equal(next.start, 101);
  next.created();
  next.events([["/a", 101]], { fragment: true });
  next.events([["/b", 101]]);
  await follower.until(() => follower.isSynced && follower.revision === 101n, "the revision");
  assert.deepEqual(told(follower.events), [...BEGUN, "lost", "changes /a@101 /b@101", "synced"]);
});

test("progress moves on where the next stream begins; created does not, nor an older header", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  etcd.revision = 500;
  stream.created();
  stream.send({ header: etcd.header(400) });
  stream.send({ header: etcd.header(300) });
  stream.events([["/old", 350]]); // which is behind the progress that was told
  stream.events([["/a", 401]]);
  etcd.put("/a", 401);
  await follower.until(() => follower.revision === 401n, "the change");
  stream.send({ header: etcd.header(450) });
  stream.events([["/a", 460]]);
  etcd.put("/a", 460);
  await follower.until(() => follower.revision === 460n, "the second");
  assert.ok(!follower.state.has("/old"));
  stream.send({ header: etcd.header(470) });
  stream.fail(status.UNAVAILABLE, "cut");
  assert.equal((await etcd.next("Watch")).start, 471);
});

test("history that was compacted, told as 3.4 does: without a reason, at revision 0, is a difference", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  etcd.put("/c", 300);
  etcd.entries.delete("/b");
  stream.created();
  stream.send({ header: etcd.header(0), canceled: true, compact_revision: 200 });
  const next = await etcd.next("Watch");
  assert.equal(next.start, 301);
  next.created();
  await follower.until(() => follower.count("resync") === 1, "the resync");
  assert.deepEqual(told(follower.events), [...BEGUN, "compacted /c@300 -/b"]);
});

test("another cluster, revisions that began again, and a key whose revision fell: wiped, all is told anew", async () => {
  const cases: ((etcd: ScriptedEtcd) => void)[] = [
    (etcd) => (etcd.clusterId = "78"),
    (etcd) => {
      etcd.revision = 50;
      etcd.put("/a", 50);
    },
    (etcd) => {
      etcd.revision = 5_000; // it has already been written to more than before
      etcd.put("/a", 7);
    },
  ];
  for (const wipe of cases) {
    await using parts = await watched();
    const { etcd, follower, stream } = parts;
    stream.created();
    etcd.entries.delete("/b");
    wipe(etcd);
    stream.fail(status.UNAVAILABLE, "restarted");
    const next = await etcd.next("Watch");
    assert.equal(next.start, etcd.revision + 1);
    next.created();
    await follower.until(() => follower.isSynced && follower.count("resync") === 1, "the resync");
    const [[key, { modified }] = ["", { modified: 0 }]] = etcd.entries;
    assert.deepEqual(told(follower.events), [...BEGUN, "lost", `wiped ${key}@${modified} -/b`, "synced"]);
  }
});

test("one answer that is old, as of a member that had stood still, is not believed", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  stream.created();
  let old = 1;
  etcd.script = (name) => (name === "Range" && old-- > 0 ? { header: etcd.header(60), kvs: [] } : undefined);
  stream.fail(status.UNAVAILABLE, "cut");
  const next = await etcd.next("Watch");
  assert.equal(next.start, 101);
  next.created();
  await follower.until(() => follower.isSynced && follower.count("lost") === 1, "its return");
  assert.equal(follower.count("resync"), 0);
});

test("an event that never came is found by the regular comparison, and is told as diverged", async () => {
  await using parts = await watched();
  const { etcd, clock, follower, stream } = parts;
  stream.created();
  stream.events([["/c", 101]]);
  etcd.put("/c", 101);
  await follower.until(() => follower.revision === 101n, "the change");
  etcd.put("/a", 102); // nobody tells
  etcd.entries.delete("/b");
  etcd.revision = 103;
  const asked = etcd.count("Range");
  assert.ok(clock.run(300_000, 600_000) > 0);
  await etcd.untilAsked("Range", asked + 1);
  await clock.runNext(10_000, 10_000); // the comparison has ended
  const next = await etcd.next("Watch");
  assert.equal(next.start, 104);
  assert.deepEqual(told(follower.events), [...BEGUN, "changes /c@101", "diverged /a@102 -/b"]);
});

test("an event that progress went past is diverged at once", async () => {
  await using parts = await watched();
  const { etcd, clock, follower, stream } = parts;
  stream.created();
  etcd.put("/a", 102);
  stream.send({ header: etcd.header(150) });
  stream.events([["/c", 151]]);
  etcd.put("/c", 151);
  await follower.until(() => follower.revision === 151n, "the change");
  assert.ok(clock.run(300_000, 600_000) > 0);
  await follower.until(() => follower.count("resync") === 1, "the resync");
  assert.deepEqual(told(follower.events).at(-1), "diverged /a@102");
});

test("a comparison finds nothing while events only take their time", async () => {
  await using parts = await watched();
  const { etcd, clock, follower, stream } = parts;
  stream.created();
  stream.events([["/c", 101]]);
  etcd.put("/c", 101);
  await follower.until(() => follower.revision === 101n, "the change");
  etcd.put("/a", 102);
  const asked = etcd.count("Range");
  clock.run(300_000, 600_000);
  await etcd.untilAsked("Range", asked + 1);
  stream.events([["/a", 102]]);
  await follower.until(() => follower.revision === 102n, "the event");
  clock.run(10_000, 10_000);
  stream.events([["/d", 103]]);
  await follower.until(() => follower.revision === 103n, "the next");
  assert.equal(follower.count("resync"), 0);
});

test("a stream that keeps quiet about what was written is replaced by another", async () => {
  await using parts = await watched();
  const { etcd, clock, follower, stream } = parts;
  stream.created();
  stream.events([["/c", 101]]);
  await follower.until(() => follower.revision === 101n, "the change");
  clock.run(60_000, 60_000); // something was heard within this minute
  etcd.put("/c", 101);
  etcd.put("/a", 102);
  assert.ok(clock.run(60_000, 60_000) > 0);
  await clock.runNext(10_000, 10_000);
  const next = await etcd.next("Watch");
  assert.equal(next.start, 102);
  next.created();
  next.events([["/a", 102]]);
  await follower.until(() => follower.revision === 102n, "what was kept quiet about");
  assert.deepEqual(told(follower.events), [...BEGUN, "changes /c@101", "changes /a@102"]);
});

const DENIED = { created: true, canceled: true, watch_id: "-1", cancel_reason: "etcdserver: permission denied" };
const USER = { user: { name: "signalbox", password: "pass word" } };

test("a token whose time is over, told as a lack of rights, is renewed without a word", async () => {
  await using parts = await watched(USER);
  const { etcd, follower, stream } = parts;
  assert.deepEqual(stream.metadata.get("token"), ["token-1"]);
  stream.send({ header: etcd.header(), ...DENIED });
  const next = await etcd.next("Watch");
  assert.deepEqual(next.metadata.get("token"), ["token-2"]);
  next.created();
  next.events([["/c", 101]]);
  await follower.until(() => follower.revision === 101n, "the change");
  assert.deepEqual(told(follower.events), [...BEGUN, "changes /c@101"]);
});

test("a lack of rights that stays is told, and tried again later", async () => {
  await using parts = await watched(USER);
  const { etcd, follower, stream } = parts;
  stream.send({ header: etcd.header(), ...DENIED });
  (await etcd.next("Watch")).send({ header: etcd.header(), ...DENIED });
  await follower.until(() => follower.count("lost") === 1, "the loss");
  const reason = follower.events.find((event) => event.kind === "lost")?.reason ?? "";
  assert.match(reason, /refuses the user a watch of \//u);
  (await etcd.next("Watch")).created();
  await follower.until(() => follower.isSynced, "rights that were given");
});

test("a watch that is cancelled without a reason begins again where it was", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  stream.created();
  stream.send({ header: etcd.header(), canceled: true });
  const next = await etcd.next("Watch");
  assert.equal(next.start, 101);
  next.created();
  await follower.until(() => follower.isSynced && follower.count("lost") === 1, "its return");
});

test("bytes that are no answer of a watch end the stream, not the process", async () => {
  await using parts = await watched();
  const { etcd, follower, stream } = parts;
  stream.created();
  stream.send({ header: etcd.header(), events: [{ type: "PUT" }] });
  (await etcd.next("Watch")).created();
  await follower.until(() => follower.isSynced && follower.count("lost") === 1, "its return");
});
