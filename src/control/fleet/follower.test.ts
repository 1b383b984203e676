import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { calm, type Heard, reportOf } from "../../../test/fleet/calls.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { createLog } from "../../telemetry/log.ts";
import type { ControllerCalls } from "./controller-calls.ts";
import { digestOf, writeDirective } from "./directive.ts";
import { DirectiveBook } from "./directive-book.ts";
import { ControllerFollower, type FollowerOptions } from "./follower.ts";
import { createLocalLink } from "./local-link.ts";
import { type AwaitReply, type ControllerAddress, encodeBody, FLEET_PROTOCOL, type NotLeader } from "./messages.ts";

interface Rig extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly follower: ControllerFollower;
  readonly heard: Heard[];
  readonly told: string[];
  readonly applied: string[];
  lookUps: number;
  /** Lets what is due happen, and then some time pass; some milliseconds at a time. */
  pass(ms: number): Promise<void>;
  calls(id: string): number;
}

type Answer = (reply: AwaitReply | NotLeader) => void;

interface Options extends Partial<Pick<FollowerOptions, "facts" | "isNews" | "leader" | "lookUp">> {
  /** By the id of who is asked; without an entry nobody answers. */
  readonly controllers: Readonly<Record<string, Partial<ControllerCalls>>>;
  /** Held calls of Await, newest last. */
  readonly held?: Answer[];
}

const C1 = addressOf("c1");

function addressOf(id: string): ControllerAddress {
  return { id, address: `${id}:4321`, tls: false };
}

function rig({ controllers, held = [], leader, lookUp, facts, isNews = () => false }: Options): Rig {
  const clock = new ManualClock();
  const random = seededRandom(3);
  const heard: Heard[] = [];
  const told: string[] = [];
  const applied: string[] = [];
  const asked: string[] = [];
  const memory = { seen: () => undefined, offer: async () => "newer" as const };
  const book = new DirectiveBook({
    clock,
    memory,
    apply: ({ scope, seq, body }) => void applied.push(`${scope} ${seq} ${body}`),
    expired: ({ scope, seq }) => void applied.push(`${scope} ${seq} is over`),
  });
  const holding: Partial<ControllerCalls> = {
    await: (_request, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<AwaitReply | NotLeader>();
      held.push(resolve);
      clock.after(25_000, () => resolve({ protocol: FLEET_PROTOCOL, directives: [] }));
      signal.addEventListener("abort", () => resolve({ protocol: FLEET_PROTOCOL, directives: [] }), { once: true });
      return promise;
    },
  };
  const absent = (): Promise<never> => new Promise(() => undefined);
  const stage = { lookUps: 0 };
  const follower = new ControllerFollower({
    clock,
    random,
    log: createLog({ clock, write: () => undefined, level: "error", format: "json", colour: false }),
    identity: { id: "n1", region: "eu", incarnation: "i1" },
    openLink(controller) {
      asked.push(controller.id);
      const its = controllers[controller.id];
      const calls = calm(heard, its === undefined ? { report: absent, await: absent } : { ...holding, ...its });
      return createLocalLink(controller, calls, clock);
    },
    lookUp(signal) {
      stage.lookUps++;
      return lookUp === undefined ? Promise.resolve([C1]) : lookUp(signal);
    },
    leader,
    book,
    facts: facts ?? (() => reportOf("n1")),
    isNews,
    observer: {
      followed: ({ id }) => void told.push(`followed ${id}`),
      left: ({ id }) => void told.push(`left ${id}`),
      lost: (why) => void told.push(`lost ${why}`),
      reported: () => undefined,
      directive: (scope, verdict) => void told.push(`${scope} ${verdict}`),
      saidGoodbye: () => void told.push("goodbye"),
    },
    reportIntervalMs: 5_000,
  });
  return Object.assign(stage, {
    clock,
    follower,
    heard,
    told,
    applied,
    calls: (id: string) => asked.filter((one) => one === id).length,
    async pass(ms: number) {
      for (let left = ms; left >= 0; left -= 250) {
        for (let i = 0; i < 8; i++) await turn();
        if (left > 0) clock.advance(Math.min(250, left));
      }
      for (let i = 0; i < 8; i++) await turn();
    },
    async [Symbol.asyncDispose]() {
      const ended = follower[Symbol.asyncDispose]();
      for (let i = 0; i < 20; i++) {
        await turn();
        clock.advance(250);
      }
      await ended;
      book[Symbol.dispose]();
    },
  });
}

function reports(heard: readonly Heard[]): number {
  return heard.filter(({ method }) => method === "report").length;
}

test("a follower: reads the store once, reports in its times, always has one call that waits, and says goodbye", async () => {
  const held: Answer[] = [];
  const stage = rig({ controllers: { c1: {} }, held });
  await stage.pass(0);
  assert.deepEqual([stage.lookUps, reports(stage.heard), held.length], [1, 1, 1]);
  assert.equal(stage.follower.status.state, "following");
  assert.equal(stage.follower.status.epoch, "1.7");
  await stage.pass(60_000);
  assert.equal(stage.lookUps, 1);
  assert.ok(reports(stage.heard) >= 12 && reports(stage.heard) <= 15, `${reports(stage.heard)} reports in a minute`);
  const seqs = stage.heard.flatMap(({ request }) => ("seq" in request ? [Number(request.seq)] : []));
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  await stage[Symbol.asyncDispose]();
  assert.deepEqual(stage.told, ["followed c1", "goodbye", "left c1"]);
  assert.equal(stage.heard.at(-1)?.method, "goodbye");
});

test("a follower: a rate that has left what was told is told at once, and at most once a second", async () => {
  await using stage = rig({ controllers: { c1: {} }, isNews: (_told, toldMs, nowMs) => nowMs - toldMs >= 1_000 });
  await stage.pass(0);
  const before = reports(stage.heard);
  await stage.pass(10_000);
  assert.equal(reports(stage.heard) - before, 10);
});

test("a follower: what is wanted to be told at once is, once a second has passed since the last Report", async () => {
  await using stage = rig({ controllers: { c1: {} } });
  await stage.pass(0);
  stage.follower.reportNow();
  await stage.pass(500);
  assert.equal(reports(stage.heard), 1);
  for (let i = 0; i < 20; i++) {
    await stage.pass(250);
    stage.follower.reportNow();
  }
  const count = reports(stage.heard);
  assert.ok(count >= 5 && count <= 6, `${count} reports in 5.5 s`);
});

test("a follower: where all of a large region have something to tell, each takes its time", async () => {
  const collectors = 2_000;
  const report: ControllerCalls["report"] = async (...call) => ({ ...(await calm().report(...call)), collectors });
  await using stage = rig({ controllers: { c1: { report } } });
  const waited: number[] = [];
  for (let round = 0; round < 8; round++) {
    await stage.pass(1_000);
    const before = reports(stage.heard);
    stage.follower.reportNow();
    for (waited.push(0); reports(stage.heard) === before; waited[round]! += 250) await stage.pass(250);
  }
  const [most, least] = [Math.max(...waited), Math.min(...waited)];
  assert.ok(most <= 4_250 && most >= 2_000 && least <= 1_500, waited.join(" "));
});

test("a follower: what it is, it says once for each Report, and how often it reports", async () => {
  let asked = 0;
  const facts = (): ReturnType<typeof reportOf> => {
    asked++;
    return reportOf("n1");
  };
  await using stage = rig({ controllers: { c1: {} }, facts });
  await stage.pass(30_000);
  assert.equal(asked, reports(stage.heard));
  const [first] = stage.heard;
  assert.ok(first !== undefined && "report_interval_ms" in first.request);
  assert.equal(first.request.report_interval_ms, 5_000);
});

test("a follower: one Report that is answered too late ends nothing, and two in a row do", async () => {
  const held: Answer[] = [];
  let silent = 0;
  const report = calm([]).report;
  const controllers = {
    c1: {
      report: (...call: Parameters<typeof report>) => (silent-- > 0 ? new Promise<never>(() => {}) : report(...call)),
    },
  };
  await using stage = rig({ controllers, held });
  await stage.pass(0);
  silent = 1;
  await stage.pass(30_000);
  assert.deepEqual([stage.told, stage.calls("c1")], [["followed c1"], 1]);
  silent = 2;
  await stage.pass(20_000);
  assert.deepEqual(stage.told.slice(0, 3), ["followed c1", "left c1", "lost unreachable"]);
});

test("a follower: a controller whose connection is gone is left at once, whatever Reports were missed", async () => {
  const held: Answer[] = [];
  const controllers = {
    c1: { await: async () => Promise.reject(new RouterError("TIMED_OUT", "the connection is gone")) },
  };
  await using stage = rig({ controllers, held });
  await stage.pass(0);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost unreachable"]);
});

test("a follower: those who may know who leads are asked every few seconds, until there is a leader", async () => {
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {}, c3: {} };
  const lookUp = async (): Promise<readonly ControllerAddress[]> => ["c1", "c2", "c3"].map(addressOf);
  const held: Answer[] = [];
  await using stage = rig({ controllers, held, lookUp });
  await stage.pass(0);
  // The leader is gone, and until its lease is over the others name it.
  const gone = async (): Promise<never> => Promise.reject(new RouterError("TIMED_OUT", "refused"));
  const notLeader = { protocol: FLEET_PROTOCOL, not_leader: true } as const;
  Object.assign(controllers["c1"]!, { report: gone, await: gone });
  const waits: Partial<ControllerCalls> = { report: async () => ({ ...notLeader, leader: C1 }) };
  Object.assign(controllers["c2"]!, waits);
  Object.assign(controllers["c3"]!, waits);
  held.at(-1)?.(notLeader);
  await stage.pass(17_000);
  const asked = stage.calls("c2") + stage.calls("c3");
  assert.ok(asked >= 4, `the others were asked ${asked} times in 17 s`);
  controllers["c3"] = {};
  await stage.pass(8_000);
  assert.deepEqual([stage.follower.status.controller?.id, stage.lookUps], ["c3", 1]);
});

test("a follower: directives are applied as they come, and what is larger is fetched by its digest", async () => {
  const held: Answer[] = [];
  const large = "x".repeat(9_000);
  const fetch: ControllerCalls["fetch"] = async ({ digest }) => ({
    protocol: FLEET_PROTOCOL,
    digest,
    body: encodeBody(Buffer.from(large)),
  });
  await using stage = rig({ controllers: { c1: { fetch } }, held });
  await stage.pass(0);
  const directives = [
    writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 30_000, body: "{}" }),
    writeDirective({ scope: "config", epoch: "1.7", seq: 2, validForMs: 30_000, body: large }),
  ];
  assert.equal(directives[1]?.body, undefined);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives });
  await stage.pass(0);
  assert.deepEqual(stage.applied, ["limits 1 {}", `config 2 ${large}`]);
  const again = stage.heard.findLast(({ method }) => method === "await")?.request;
  assert.deepEqual(again && "known" in again && again.known, {
    limits: { epoch: "1.7", seq: 1 },
    config: { epoch: "1.7", seq: 2 },
  });
});

test("a follower: a document that came with its directive is not fetched, once, and it says which one it has", async () => {
  const held: Answer[] = [];
  const [digest, older] = [digestOf("a document"), digestOf("older")];
  const config = { version: 1, digest: older, result: "running" as const };
  await using stage = rig({ controllers: { c1: {} }, held, facts: () => reportOf("n1", { config }) });
  await stage.pass(0);
  const has = (): unknown[] => stage.heard.flatMap(({ request }) => ("has" in request ? [request.has] : []));
  const fetched = (): number => stage.heard.filter(({ method }) => method === "fetch").length;
  const directives = [writeDirective({ scope: "config", epoch: "1.7", seq: 1, validForMs: 90_000, body: "{}" })];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives, document: { digest, text: "a document" } });
  await stage.pass(0);
  assert.deepEqual(has(), [older, digest]);
  assert.equal(await stage.follower.fetch(digest, new AbortController().signal), "a document");
  assert.equal(fetched(), 0);
  assert.equal(await stage.follower.fetch(digest, new AbortController().signal), "text");
  assert.equal(await stage.follower.fetch(older, new AbortController().signal), "text");
  assert.equal(fetched(), 2);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives: [] });
  await stage.pass(0);
  assert.equal(has().at(-1), digest);
});

test("a follower: of a config that it has refused it says that it has it", async () => {
  const config = { version: 1, digest: "one", result: "refused" as const, tried_version: 2, tried_digest: "two" };
  await using stage = rig({ controllers: { c1: {} }, facts: () => reportOf("n1", { config }) });
  await stage.pass(0);
  const request = stage.heard.findLast(({ method }) => method === "await")?.request;
  assert.equal(request && "has" in request && request.has, "two");
});

test("a follower: a large directive that is written again says what it said, and is fetched once", async () => {
  const held: Answer[] = [];
  const bodies = ["x".repeat(9_000), "y".repeat(9_000)];
  const fetched: string[] = [];
  const fetch: ControllerCalls["fetch"] = async ({ digest }) => {
    fetched.push(digest);
    const body = bodies.find((one) => digestOf(one) === digest) ?? "";
    return { protocol: FLEET_PROTOCOL, digest, body: encodeBody(Buffer.from(body)) };
  };
  await using stage = rig({ controllers: { c1: { fetch } }, held });
  await stage.pass(0);
  for (const [seq, at] of [0, 0, 1].entries()) {
    const about = { scope: "config", epoch: "1.7", seq, validForMs: 30_000, body: bodies[at] ?? "" };
    held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives: [writeDirective(about)] });
    await stage.pass(1_000);
  }
  assert.deepEqual(fetched, bodies.map(digestOf));
  assert.deepEqual(stage.applied, [`config 0 ${bodies[0]}`, `config 1 ${bodies[0]}`, `config 2 ${bodies[1]}`]);
});

test("a follower: what is valid is so from the sending of the request that brought it", async () => {
  const held: Answer[] = [];
  await using stage = rig({ controllers: { c1: {} }, held });
  await stage.pass(0);
  await stage.pass(20_000); // the call is held
  const directives = [writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 25_000, body: "{}" })];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives });
  await stage.pass(0);
  assert.deepEqual(stage.applied, ["limits 1 {}"]);
  await stage.pass(5_000);
  assert.deepEqual(stage.applied, ["limits 1 {}", "limits 1 is over"]);
});

test("a follower: a controller that leads no more names its successor, who is followed without the store", async () => {
  const held: Answer[] = [];
  await using stage = rig({ controllers: { c1: {}, c2: {} }, held });
  await stage.pass(0);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, not_leader: true, leader: addressOf("c2") });
  await stage.pass(5_000);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost not_leader", "followed c2"]);
  assert.equal(stage.lookUps, 1);
});

test("a follower: without an answer for 30 s it reads the store again, and not at the same moment as others", async () => {
  await using stage = rig({ controllers: {} });
  await stage.pass(29_000);
  const once = stage.lookUps;
  assert.equal(once, 1);
  assert.ok(stage.calls("c1") >= 2, "it is tried again before");
  await stage.pass(75_000);
  assert.ok(stage.lookUps > once);
  assert.notEqual(stage.follower.status.state, "following");
});

test("a follower: a store that is away is asked again and again, with longer pauses", async () => {
  let isAway = true;
  const lookUp = async (): Promise<readonly ControllerAddress[]> => {
    if (isAway) throw new Error("connection refused");
    return [C1];
  };
  await using stage = rig({ controllers: { c1: {} }, lookUp });
  await stage.pass(120_000);
  assert.ok(stage.lookUps >= 4 && stage.lookUps <= 20, `${stage.lookUps} times`);
  assert.equal(stage.follower.status.reason, "the store: connection refused");
  isAway = false;
  await stage.pass(31_000);
  assert.equal(stage.follower.status.state, "following");
});

test("a follower: the second controller that the store names is asked when the first does not answer", async () => {
  const lookUp = async (): Promise<readonly ControllerAddress[]> => [C1, addressOf("c2")];
  await using stage = rig({ controllers: { c2: {} }, lookUp });
  await stage.pass(10_000);
  assert.deepEqual(stage.told, ["lost unreachable", "followed c2"]);
});

test("a follower: a connection that is lost is tried again with the same controller first, and then with the others", async () => {
  const held: Answer[] = [];
  const lookUp = async (): Promise<readonly ControllerAddress[]> => [C1, addressOf("c2")];
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {} };
  await using stage = rig({ controllers, held, lookUp });
  await stage.pass(0);
  const lose = (): void => {
    const gone = Promise.reject(new RouterError("TIMED_OUT", "the connection is gone"));
    held.at(-1)?.(gone as never); // oxlint-disable-line typescript/no-unsafe-type-assertion -- a promise takes a promise
  };
  lose();
  await stage.pass(5_000);
  assert.deepEqual(stage.told, ["followed c1", "left c1", "lost unreachable", "followed c1"]);
  assert.equal(stage.calls("c2"), 0);
  delete controllers["c1"];
  lose();
  await stage.pass(20_000);
  assert.equal(stage.follower.status.controller?.id, "c2");
  assert.equal(stage.calls("c1"), 3);
  assert.equal(stage.lookUps, 1);
});

test("a follower: who sees the election follows the next leader at once, whom the store has not named", async () => {
  let leader: ControllerAddress | undefined = C1;
  const held: Answer[] = [];
  const controllers: Record<string, Partial<ControllerCalls>> = { c1: {}, c2: {} };
  await using stage = rig({ controllers, held, leader: () => leader });
  await stage.pass(0);
  delete controllers["c1"];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, not_leader: true });
  await stage.pass(20_000);
  assert.notEqual(stage.follower.status.state, "following");
  leader = addressOf("c2");
  await stage.pass(5_000); // a call that nobody answers may have to end
  assert.equal(stage.follower.status.controller?.id, "c2");
  assert.equal(stage.lookUps, 1);
});

test("a follower: a leader whom the watch names and who does not answer is not tried in a circle", async () => {
  await using stage = rig({ controllers: {}, leader: () => addressOf("c2") });
  await stage.pass(120_000);
  assert.ok(stage.calls("c1") + stage.calls("c2") < 40, `${stage.calls("c1")} and ${stage.calls("c2")} times`);
});

test("a follower: a controller that answers at once with nothing new is not asked in a circle", async () => {
  const stale = writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 0, body: "{}" });
  const controllers = { c1: { await: async () => ({ protocol: FLEET_PROTOCOL, directives: [stale] }) } };
  await using stage = rig({ controllers });
  await stage.pass(60_000);
  const awaits = stage.heard.filter(({ method }) => method === "await").length;
  assert.ok(awaits < 40, `${awaits} calls in a minute`);
  assert.deepEqual(stage.applied, []);
});
