import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedResolver } from "../../../test/support/scripted-resolver.ts";
import { seededRandom } from "../../core/random.ts";
import { initialHealth } from "../health/health.ts";
import type { NewsSource } from "../health/target-news.ts";
import type { ToldPart } from "../health/told-health.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { membersKey } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { MemberBoard } from "../resolve/member-board.ts";
import { NamedTarget } from "./named-target.ts";

const PUBLIC = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

function open(resolve: "all" | "auto") {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ clock, write: (line) => lines.push(line), level: "info", format: "json", colour: false });
  const resolver = new ScriptedResolver();
  const metrics = createMetrics();
  const client = { send: () => () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const env = { clock, log, resolver, metrics, random: seededRandom(1), openClient: () => client };
  const target = new NamedTarget(targetPlan("t", { url: "http://tempo.test:4317", resolve }), env, "start");
  const answer = (addresses: readonly string[]): void => {
    clock.advance(30_000);
    resolver.find(addresses, 30_000);
  };
  const told = (): string[] => lines.splice(0).map((line) => (JSON.parse(line) as { msg: string }).msg); // oxlint-disable-line typescript/no-unsafe-type-assertion -- our own log
  return { clock, resolver, metrics, target, answer, told };
}

test("that one of several public addresses is used is told once, with the key that changes it", () => {
  const { answer, told, target } = open("auto");
  answer(PUBLIC);
  answer(PUBLIC);
  assert.deepEqual(told(), ["name of a target has several addresses, of which one is used: resolve: all uses all"]);
  assert.equal(target.parts.all.length, 1);
});

test("that a name has more addresses than are used is told once", () => {
  const { answer, told } = open("all");
  const many = Array.from({ length: 70 }, (_, i) => `10.0.1.${i}`);
  answer(many);
  answer(many);
  assert.deepEqual(told(), ["name of a target has more than 64 addresses", "addresses of a target changed"]);
});

test("addresses that come and go are told; a lookup that fails is told, counted, and changes nothing", () => {
  const { answer, told, resolver, clock, metrics, target } = open("all");
  answer(["10.0.0.1"]);
  answer(["10.0.0.1"]);
  answer(["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(told(), ["addresses of a target changed", "addresses of a target changed"]);
  for (let i = 0; i < 2; i++) {
    clock.advance(30_000);
    resolver.fail("EAI_AGAIN");
  }
  assert.deepEqual(told(), ["name of a target cannot be resolved: what is known of it stays"]);
  assert.equal(metrics.targetResolutions.with("t", "failed").value, 2);
  assert.equal(target.parts.all.length, 2);
});

test("in a worker members are those that it is told of, with their places and loads", () => {
  const clock = new ManualClock();
  const client = { send: () => () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const sources: NewsSource[] = [];
  const reporter = { announce: (source: NewsSource) => void sources.push(source), flush: () => 0 };
  const parts = { clock, resolver: new ScriptedResolver(), metrics: createMetrics(), random: seededRandom(1) };
  const members = { region: "eu", tags: {}, listener: "otlp_grpc", isSelf: false, node: "n" } as const;
  const plan = targetPlan("t", { url: "http://collectors.invalid", resolve: "all", members });
  const target = new NamedTarget(plan, { ...parts, reporter, openClient: () => client }, "start");
  assert.deepEqual([target.health().state, target.usable(0)], ["down", false]);
  const one = (address: string, place: string, utilization: number): ToldPart => {
    return { address, place, utilization, health: initialHealth(0), refusals: [] };
  };
  target.obey({ id: "t", parts: [one("a", "a.test:1", 0.25), one("b", "b.test:1", 0)] }, 0);
  target.obey({ id: "t", parts: [one("a", "a.test:2", 0.5), one("b", "b.test:1", 0.75)] }, 0);
  const known = target.parts.all.map((part) => [part.key, part.plan.url, part.load.reported(0)?.utilisation]);
  assert.deepEqual(known, [
    ["t a", "http://a.test:2", 0.5],
    ["t b", "http://b.test:1", 0.75],
  ]);
  const send = (): void => {
    const batch = { signal: "traces", pieces: [], bytes: 0, items: 1, points: 1, headers: NO_HEADERS } as const;
    const attempt = { timeoutMs: 1_000, cut: false };
    target.parts.all[0]!.send(
      batch,
      attempt,
      () => true,
      () => undefined,
    );
  };
  send();
  target.obey({ id: "t", parts: [one("a", "a.test:3", 0)] }, 0);
  send();
  assert.deepEqual(
    sources.map((source) => source.takeNews()).map((news) => [news?.address, news?.place, news?.underWay]),
    [
      ["a", "a.test:2", 0],
      ["a", "a.test:3", 1],
    ],
  );
});

test("parts that cannot all be opened change nothing, and what was opened of them is ended", async () => {
  const board = new MemberBoard();
  const opened: string[] = [];
  const env = {
    clock: new ManualClock(),
    resolver: new ScriptedResolver(),
    metrics: createMetrics(),
    random: seededRandom(1),
    members: board,
    openClient: (current: () => TargetPlan) => {
      const { url } = current();
      if (!URL.canParse(url)) throw new Error(`${url} is no URL`);
      opened.push(url);
      const end = (): void => void opened.splice(opened.indexOf(url), 1);
      return { send: () => () => undefined, [Symbol.asyncDispose]: async () => end() };
    },
  };
  const members = { region: "eu", tags: {}, listener: "otlp_grpc", isSelf: false, node: "n" } as const;
  const of = membersKey(members);
  const plan = (id: string) => targetPlan(id, { url: "http://collectors.invalid", resolve: "all", members });
  const targets = ["t", "u"].map((id) => new NamedTarget(plan(id), env, "start"));
  const tell = (...all: readonly string[]): void => {
    board.tell([{ of, members: all.map((address) => ({ id: address, address, utilization: 0 })) }]);
  };
  const parts = (): (readonly string[])[] => targets.map((one) => one.parts.all.map(({ plan: { url } }) => url));
  tell("a:1");
  assert.throws(() => tell("a:1", "b:1", "999.1.1.1:1"), /is no URL/u);
  await new Promise(setImmediate);
  assert.deepEqual(parts(), [["http://a:1"], ["http://a:1"]]);
  assert.deepEqual(opened, ["http://a:1", "http://a:1"]);
  tell("a:1", "b:1");
  assert.deepEqual(parts(), [
    ["http://a:1", "http://b:1"],
    ["http://a:1", "http://b:1"],
  ]);
});

test("one target that cannot take over what is found keeps it from no other", () => {
  const board = new MemberBoard();
  const heard: string[] = [];
  board.watch("k", () => {
    throw new Error("not this one");
  });
  board.watch("k", (members) => void heard.push(...members.map(({ id }) => id)));
  const tell = (): void => board.tell([{ of: "k", members: [{ id: "a", address: "a:1", utilization: 0 }] }]);
  assert.throws(tell, /not this one/u);
  assert.deepEqual(heard, ["a"]);
});
