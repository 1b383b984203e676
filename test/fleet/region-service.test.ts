import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../src/core/random.ts";
import { DirectiveWriter } from "../../src/control/global/directive-writer.ts";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import { digestOf } from "../../src/control/fleet/directive.ts";
import type { KnownDirectives } from "../../src/control/fleet/directive.ts";
import { AwaitReplySchema, decodeBody, MembersReplySchema } from "../../src/control/fleet/messages.ts";
import { collectorTimes } from "../../src/control/region/collector-table.ts";
import { openDirectiveSource } from "../../src/control/region/directive-source.ts";
import { decodeSummary, regionKey } from "../../src/control/region/region-summary.ts";
import { type RegionObserver, RegionService } from "../../src/control/region/region-service.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { FakeStore } from "../support/fake-store.ts";
import { testHeld } from "../support/fleet/held.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { reportOf } from "../support/fleet/reports.ts";
import { ManualClock } from "../support/manual-clock.ts";

const NEVER = new AbortController().signal;
const CALLED = { signal: NEVER, peer: "test" };
const LEADER = { id: "other", address: "127.0.0.1:1", tls: false };
const VALID_MS = 60_000;

class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly store = new FakeStore();
  readonly place: RecipePlace = { store: this.store, prefix: "/t", clock: this.clock, random: seededRandom(4) };
  readonly held = testHeld(this.store);
  readonly global = testHeld(this.store, 5n);
  readonly directives = openDirectiveSource(this.place);
  readonly writer = new DirectiveWriter({ place: this.place, leadership: this.global, generation: 1, by: "g" });
  readonly log = recordedLog(this.clock);
  readonly service: RegionService;

  constructor(most = 100, bounded: RegionObserver["bounded"] = () => undefined) {
    this.service = new RegionService({
      place: this.place,
      region: "eu",
      leadership: this.held,
      controller: { id: "me", address: "127.0.0.1:2", tls: false },
      generation: 1,
      isAdopted: false,
      directives: this.directives,
      fetchBody: async (digest) => (digest === digestOf("a document") ? "a document" : undefined),
      leader: () => LEADER,
      times: collectorTimes(5_000),
      most,
      log: this.log,
      observer: { reported: () => undefined, summaryWritten: () => undefined, bounded },
    });
  }

  /** Seconds go by, and all that is ready runs in each. */
  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left--) {
      this.clock.advance(1_000);
      await settle();
    }
  }

  async decide(body: string, validForMs = VALID_MS): Promise<void> {
    await this.writer.set("config", { body, validForMs }, NEVER);
    await settle();
  }

  await(id: string, known: KnownDirectives = {}): ReturnType<RegionService["await"]> {
    return this.service.await({ protocol: 1, id, known }, CALLED);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.directives[Symbol.asyncDispose]();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Its directives, or a fault of the test. */
function directivesIn(reply: Awaited<ReturnType<RegionService["await"]>>): AwaitReplyDirectives {
  assert.ok(!isNotLeader(reply), "it leads no more");
  return AwaitReplySchema.parse(reply).directives;
}
type AwaitReplyDirectives = ReturnType<typeof AwaitReplySchema.parse>["directives"];

test("a Report is answered with who leads, how many report, and what is newer than what was received", async () => {
  await using rig = new Rig();
  await settle();
  await rig.decide("one");
  const reply = await rig.service.report(reportOf("a"));
  assert.ok(!isNotLeader(reply));
  assert.deepEqual([reply.controller, reply.collectors], [{ id: "me", epoch: "1.7" }, 1]);
  assert.deepEqual(reply.newer, [{ scope: "config", epoch: "1.5", seq: 1, digest: digestOf("one") }]);
  const next = await rig.service.report(reportOf("a", { seq: 2, received: { config: { epoch: "1.5", seq: 1 } } }));
  assert.ok(!isNotLeader(next));
  assert.deepEqual(next.newer, []);
});

test("a directive goes to all who wait, with what is left of its time from the sending of their requests", async () => {
  await using rig = new Rig();
  await settle();
  const early = rig.await("a");
  await rig.pass(10);
  const late = rig.await("b");
  await rig.pass(5);
  await rig.decide("one");
  const [toA, toB] = [directivesIn(await early)[0], directivesIn(await late)[0]];
  assert.equal(toA?.body, "one");
  // It is counted as two seconds older than it is at most; a has waited for 15 s, b for 5 s.
  assert.ok(toA.valid_for_ms <= VALID_MS + 15_000 && toA.valid_for_ms >= VALID_MS + 13_000, String(toA.valid_for_ms));
  assert.equal(toA.valid_for_ms - (toB?.valid_for_ms ?? 0), 10_000);
  await rig.pass(20);
  const [later] = directivesIn(await rig.await("c"));
  assert.ok(later !== undefined && later.valid_for_ms <= VALID_MS - 20_000);
});

test("a small document goes with its directive to those who wait, take it, and have another one: one answer for all", async () => {
  await using rig = new Rig();
  await settle();
  const digest = digestOf("a document");
  const asks = (id: string, has?: string): ReturnType<RegionService["await"]> =>
    rig.service.await({ protocol: 1, id, known: {}, ...(has !== undefined && { has }) }, CALLED);
  const held = [asks("a", ""), asks("b", digestOf("older")), asks("c", digest), asks("of an earlier version")];
  await settle();
  await rig.decide(JSON.stringify({ version: 1, sha256: digest }));
  const replies = await Promise.all(held);
  const documents = replies.map((reply) => (isNotLeader(reply) ? assert.fail() : reply.document?.text));
  assert.deepEqual(documents, ["a document", "a document", undefined, undefined]);
  assert.equal(replies[0], replies[1]);
  assert.equal(replies[2], replies[3]);
  const later = await asks("d", "");
  assert.ok(!isNotLeader(later) && later.document?.digest === digest);
});

test("who has not said its region yet is told of all who try a config, others of those of their region", async () => {
  await using rig = new Rig();
  await settle();
  const tries = { version: 2, sha256: digestOf("two"), stage: "region", base: 1, again: false };
  const candidate = { ...tries, nodes: ["us-1"], incarnations: ["x"], region: "us" };
  const decided = JSON.stringify({ version: 1, sha256: digestOf("one"), candidate });
  await rig.decide(decided);
  const told = async (id: string, region?: string): Promise<boolean | undefined> => {
    const reply = await rig.service.await({ protocol: 1, id, known: {}, ...(region && { region }) }, CALLED);
    return directivesIn(reply)[0]?.body?.includes("us-1");
  };
  assert.deepEqual([await told("us-1"), await told("eu-1", "eu")], [true, false]);
  const fetched = await rig.service.fetch({ protocol: 1, id: "us-1", digest: digestOf(decided) }, CALLED);
  assert.ok(!isNotLeader(fetched) && fetched.body !== undefined, "a long one is fetched");
  await rig.service.report(reportOf("eu-1"));
  assert.equal(await told("eu-1"), false, "now its region is known");
});

test("what was decided before the watch began is passed on once it is seen to advance, and not before", async () => {
  await using rig = new Rig();
  await rig.writer.set("config", { body: "of yesterday", validForMs: VALID_MS }, NEVER);
  const source = openDirectiveSource(rig.place);
  await settle();
  assert.deepEqual(source.newer({}), []);
  await rig.pass(30);
  await rig.writer.tick(NEVER);
  await settle();
  assert.deepEqual(
    source.newer({}).map(({ directive }) => directive.seq),
    [2],
  );
  await source[Symbol.asyncDispose]();
});

test("what is past its time is passed on to nobody, and of a lower epoch nothing at all", async () => {
  await using rig = new Rig();
  await settle();
  await rig.decide("one", 10_000);
  await rig.pass(11);
  assert.deepEqual(rig.directives.newer({}), []);
  await rig.decide("two");
  const old = new DirectiveWriter({
    place: rig.place,
    leadership: testHeld(rig.store, 4n),
    generation: 1,
    by: "old",
  });
  await old.set("config", { body: "of one that leads no more", validForMs: VALID_MS }, NEVER);
  await settle();
  const [given] = directivesIn(await rig.await("a"));
  assert.equal(given?.body, "two");
});

test("a controller past its deadline answers every held call with not_leader, and whatever it is asked", async () => {
  await using rig = new Rig();
  await settle();
  const held = [rig.await("a"), rig.await("b")];
  await settle();
  assert.equal(rig.service.waiting, 2);
  // Its timers know before anybody tells it.
  rig.held.leftMs = 0;
  rig.clock.advance(1_000);
  const expected = { protocol: 1, not_leader: true, leader: LEADER };
  assert.deepEqual(await Promise.all(held), [expected, expected]);
  rig.held.leftMs = 5_000;
  assert.deepEqual(await rig.service.report(reportOf("a")), expected);
  assert.deepEqual(await rig.await("a"), expected);
  assert.deepEqual(await rig.service.members({ protocol: 1, region: "eu", limit: 10 }), expected);
  assert.equal(rig.service.waiting, 0);
});

test("a controller that stood still past its deadline passes nothing on and writes nothing, though nobody has told it", async () => {
  await using rig = new Rig();
  await settle();
  await rig.service.report(reportOf("a"));
  await rig.pass(2);
  const { writes } = rig.held;
  const held = rig.await("a");
  rig.held.leftMs = 0;
  await rig.decide("one");
  assert.ok(isNotLeader(await held));
  rig.service.table.report(reportOf("b"), rig.clock.nowMs());
  await rig.pass(40);
  assert.equal(rig.held.writes, writes);
});

test("a loss is told to all who wait at once", async () => {
  await using rig = new Rig();
  const held = rig.await("a");
  await settle();
  rig.held.lose();
  assert.ok(isNotLeader(await held));
});

test("members come in pages, one with all that is known of it, and a goodbye takes it off", async () => {
  await using rig = new Rig();
  for (const id of ["c", "a", "b"]) await rig.service.report(reportOf(id, { version: "9" }));
  await rig.pass(3);
  const first = await rig.service.members({ protocol: 1, region: "eu", limit: 2 });
  const { members, next, view_digest } = MembersReplySchema.parse(first);
  assert.deepEqual(
    members.map(({ id, state, age_ms }) => [id, state, age_ms]),
    [
      ["a", "live", 3_000],
      ["b", "live", 3_000],
    ],
  );
  const second = MembersReplySchema.parse(
    await rig.service.members({ protocol: 1, region: "eu", limit: 2, after: next }),
  );
  assert.deepEqual(
    second.members.map(({ id }) => id),
    ["c"],
  );
  assert.deepEqual([second.next, second.view_digest], [undefined, view_digest]);
  const one = await rig.service.member({ protocol: 1, id: "b" });
  assert.ok(!isNotLeader(one) && one.member !== undefined);
  assert.deepEqual([one.member.version, one.member.reports], ["9", 1]);
  await rig.service.goodbye({ protocol: 1, id: "b", incarnation: "one" });
  assert.deepEqual(await rig.service.member({ protocol: 1, id: "b" }), { protocol: 1 });
});

test("who has come to lead a moment ago says so with its members, for a minute, and until nobody joins any more", async () => {
  await using rig = new Rig();
  const learns = async (): Promise<boolean> => {
    const reply = await rig.service.members({ protocol: 1, region: "eu", limit: 2 });
    return MembersReplySchema.parse(reply).is_learning === true;
  };
  await rig.pass(59);
  assert.equal(await learns(), true);
  await rig.service.report(reportOf("a"));
  await rig.pass(14);
  await rig.service.report(reportOf("a", { seq: 2 }));
  assert.equal(await learns(), true);
  await rig.pass(1);
  assert.equal(await learns(), false);
  await rig.pass(150);
  await rig.service.report(reportOf("b"));
  assert.equal(await learns(), false, "a node that is new is none of the controller before");
});

test("who has said goodbye is told for ten minutes, with the first page alone; who is silent has not", async () => {
  await using rig = new Rig();
  for (const id of ["a", "b", "c"]) await rig.service.report(reportOf(id));
  await rig.service.goodbye({ protocol: 1, id: "b", incarnation: "one" });
  await rig.service.goodbye({ protocol: 1, id: "c", incarnation: "another" });
  const left = async (after?: string) => {
    const asked = { protocol: 1, region: "eu", limit: 1, ...(after !== undefined && { after }) };
    return MembersReplySchema.parse(await rig.service.members(asked)).left;
  };
  assert.deepEqual(await left(), [{ id: "b", incarnation: "one" }]);
  assert.equal(await left("a"), undefined);
  await rig.pass(599);
  assert.deepEqual(await left(), [{ id: "b", incarnation: "one" }], "a and c are gone without a word");
  await rig.pass(1);
  assert.equal(await left(), undefined);
});

test("a body is fetched by its digest: a directive's, or a document's", async () => {
  await using rig = new Rig();
  await settle();
  await rig.decide("x".repeat(20_000));
  const [large] = directivesIn(await rig.await("a"));
  assert.ok(large !== undefined && large.body === undefined);
  for (const [digest, body] of [
    [large.digest, "x".repeat(20_000)],
    [digestOf("a document"), "a document"],
  ] as const) {
    const reply = await rig.service.fetch({ protocol: 1, id: "a", digest }, CALLED);
    assert.ok(!isNotLeader(reply) && reply.body !== undefined);
    assert.equal(Buffer.from(decodeBody(reply.body)).toString(), body);
  }
  assert.deepEqual(await rig.service.fetch({ protocol: 1, id: "a", digest: digestOf("?") }, CALLED), {
    protocol: 1,
    digest: digestOf("?"),
  });
});

test("the summary of a region is in the store, and says who is gone", async () => {
  await using rig = new Rig();
  await settle();
  await rig.service.report(reportOf("a"));
  await rig.service.report(reportOf("b"));
  const collectors = async (): Promise<number | undefined> => {
    const entry = await rig.store.get(regionKey("/t", "eu"), { signal: NEVER });
    const read = entry && decodeSummary(entry);
    return read?.ok === true ? read.value.numbers.collectors : undefined;
  };
  await rig.pass(2);
  assert.equal(await collectors(), 2);
  for (let seq = 2; seq < 8; seq++) {
    await rig.service.report(reportOf("a", { seq }));
    await rig.pass(5);
  }
  assert.equal(await collectors(), 1);
});

test("more collectors than a controller lists are served, and that is told", async () => {
  await using rig = new Rig(1);
  await rig.service.report(reportOf("a"));
  const reply = await rig.service.report(reportOf("b"));
  assert.ok(!isNotLeader(reply));
  assert.equal(reply.collectors, 1);
  assert.match(rig.log.lines.join(""), /more collectors report than a controller lists/u);
});

test("who leads since less than a minute takes no member away, however often collectors report", async () => {
  await using rig = new Rig();
  await settle();
  const wanted = [{ region: "eu", tags: {}, listener: "otlp_grpc" }];
  const isLearning = async (): Promise<boolean | undefined> => {
    const reply = await rig.service.discover({ protocol: 1, id: "a", region: "eu", wanted }, CALLED);
    assert.ok(!isNotLeader(reply));
    return reply.found[0]?.is_learning;
  };
  await rig.pass(59);
  assert.equal(await isLearning(), true);
  await rig.pass(1);
  assert.equal(await isLearning(), false);
});

test("a leader that says goodbye to itself and ends in the same moment tells those who look for members", async () => {
  await using rig = new Rig();
  await settle();
  const tags = { tier: "gateway" };
  for (const id of ["me", "other"]) {
    await rig.service.report(reportOf(id, { addresses: { otlpGrpc: `${id}:4317` }, tags }));
  }
  const wanted = [{ region: "eu", tags, listener: "otlp_grpc" }];
  const ask = (known?: string) => {
    return rig.service.discover({ protocol: 1, id: "edge", wanted, ...(known !== undefined && { known }) }, CALLED);
  };
  const first = await ask();
  assert.ok(!isNotLeader(first));
  const held = ask(first.digest);
  await rig.service.goodbye({ protocol: 1, id: "me", incarnation: "one" });
  const ended = rig.service[Symbol.asyncDispose]();
  const last = await held;
  assert.ok(!isNotLeader(last), "it leads no more, and has told nobody");
  const [set] = last.found;
  assert.deepEqual([set?.members.map(({ id }) => id), set?.left], [["other"], ["me"]]);
  assert.ok(isNotLeader(await ask(last.digest)));
  await ended;
});

test("more calls than are held for members are counted, and told in the log once", async () => {
  const bounds: string[] = [];
  await using rig = new Rig(1, (bound) => void bounds.push(bound));
  await settle();
  const wanted = [{ region: "eu", tags: {}, listener: "otlp_grpc" }];
  const ask = (id: string, known?: string) => {
    return rig.service.discover({ protocol: 1, id, wanted, ...(known !== undefined && { known }) }, CALLED);
  };
  const first = await ask("a");
  assert.ok(!isNotLeader(first));
  const held = ask("a", first.digest);
  for (const id of ["b", "c"]) await ask(id, first.digest);
  assert.deepEqual(bounds, ["held", "held"]);
  assert.equal(rig.log.lines.filter((line) => line.includes("than a controller holds")).length, 1);
  await rig.service[Symbol.asyncDispose]();
  assert.ok(isNotLeader(await held));
});
