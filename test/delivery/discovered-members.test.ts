import assert from "node:assert/strict";
import { test } from "node:test";
import { MemberBoard } from "../../src/data/resolve/member-board.ts";
import { type FoundMember, membersKey } from "../../src/plan/members.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { namesOf } from "../support/items.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { spans } from "./channel-rig.ts";
import { ownersOf, traces } from "./owners.ts";

const OF = membersKey({ region: "default", tags: { tier: "g" }, listener: "otlp_grpc" });
const TRACES = 200;

interface Scene extends AsyncDisposable {
  readonly rig: Rig;
  /** `a b@2`: a at its usual place, b at another one. */
  found(members: string, loads?: Readonly<Record<string, number>>): void;
}

function open(strategy: string, more = "", members?: string): Scene {
  const board = new MemberBoard();
  const tell = (text: string, loads: Readonly<Record<string, number>> = {}): void => {
    board.tell([{ of: OF, members: text === "" ? [] : text.split(" ").map((one) => memberOf(one, loads)) }]);
  };
  if (members !== undefined) tell(members);
  const pool = `{ targets: { collectors: { tags: { tier: g } }, id: up, health_check: false, slow_start: 0 }, strategy: ${strategy}${more} }`;
  const rig = new Rig(`pools: { p: ${pool} }\ndefault_pool: p`, { members: board, resolver: new ScriptedResolver() });
  return {
    rig,
    found(text, loads) {
      tell(text, loads);
      rig.settle();
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

function memberOf(text: string, loads: Readonly<Record<string, number>>): FoundMember {
  const [id = "", place = "1"] = text.split("@");
  return { id, address: `${id}.test:${place}`, utilization: loads[id] ?? 0 };
}

/** Where one after the other goes, each of them alone. */
function oneByOne({ rig }: Scene, count: number): string {
  const from = rig.calls.length;
  for (let i = 0; i < count; i++) {
    rig.handle("traces", spans([{ name: "s", trace: i }]));
    rig.answer(rig.calls.length - 1, ACCEPTED);
  }
  return rig.calls
    .slice(from)
    .map(({ target }) => target.slice("up@".length, "up@".length + 1))
    .toSorted()
    .join("");
}

const HASH = "{ type: consistent_hash, key: trace_id }";

test("a member that comes or goes takes its keys along, and moves no others", async () => {
  await using scene = open(HASH, "", "a b");
  const two = ownersOf(scene.rig, TRACES);
  scene.found("a b c");
  const three = ownersOf(scene.rig, TRACES);
  const moved = [...two].filter(([trace, owner]) => three.get(trace) !== owner);
  assert.ok(moved.length > 0 && moved.length < TRACES / 2);
  assert.ok(moved.every(([trace]) => three.get(trace) === "up@c http://c.test:1"));
  scene.found("a b");
  assert.deepEqual(ownersOf(scene.rig, TRACES), two);
});

test("a member that is back at another address keeps its keys, and what waits for it", async () => {
  await using scene = open(HASH, ", ack: queued", "a b");
  const before = ownersOf(scene.rig, TRACES);
  scene.found("a@2 b");
  const after = ownersOf(scene.rig, TRACES);
  const isA = (owner: string): boolean => owner.startsWith("up@a ");
  assert.deepEqual(
    [...after].map(([trace, owner]) => [trace, isA(owner)]),
    [...before].map(([trace, owner]) => [trace, isA(owner)]),
  );
  assert.ok([...after.values()].every((owner) => !isA(owner) || owner === "up@a http://a.test:2"));
});

test("what is under way to a member that goes ends there; what waits for it goes to the others; nothing is sent twice", async () => {
  await using scene = open(HASH, ", ack: queued", "a b c");
  const { rig } = scene;
  for (let from = 0; from < TRACES; from += 10) rig.handle("traces", spans(traces(from, from + 10)));
  scene.found("b c");
  const taken: string[] = [];
  for (let i = 0; i < rig.calls.length; i++) {
    rig.answer(i, ACCEPTED);
    const { batch } = rig.calls[i]!;
    taken.push(...namesOf(batch.signal, Buffer.concat(batch.pieces)));
  }
  assert.equal(taken.length, TRACES);
  assert.equal(new Set(taken).size, TRACES);
  assert.ok(rig.calls.some(({ target }) => target.startsWith("up@a")));
  assert.ok(rig.balanced);
});

test("while nobody is known nothing is sent, and what waits is sent to who comes", async () => {
  await using scene = open("round_robin", ", ack: queued, when_down: hold");
  const { rig } = scene;
  rig.handle("traces", spans(traces(0, 3)));
  rig.advance(5_000);
  assert.equal(rig.calls.length, 0);
  const health = rig.pools.targets.get("up")!.health();
  assert.deepEqual([health.state, health.reason], ["down", "no_members"]);
  scene.found("a");
  assert.deepEqual(
    rig.calls.map(({ target }) => target),
    ["up@a http://a.test:1"],
  );
  rig.answer(0, ACCEPTED);
  scene.found("");
  rig.handle("traces", spans(traces(3, 4)));
  assert.equal(rig.calls.length, 1);
  scene.found("b");
  assert.equal(rig.calls.at(-1)?.target, "up@b http://b.test:1");
  rig.answer(1, ACCEPTED);
});

test("who waits for keys of nobody gets them to who comes", async () => {
  await using scene = open(HASH, ", ack: queued, when_down: hold");
  scene.rig.handle("traces", spans(traces(0, 3)));
  assert.equal(scene.rig.calls.length, 0);
  scene.found("a");
  assert.equal(scene.rig.calls.length, 1);
  scene.rig.answer(0, ACCEPTED);
});

test("one that joins a working one proves itself first; where nobody works it is used at once", async () => {
  const board = new MemberBoard();
  const pool = "{ targets: { collectors: { tags: { tier: g } }, id: up } }";
  const checked: string[] = [];
  await using rig = new Rig(`pools: { p: ${pool} }\ndefault_pool: p`, {
    members: board,
    resolver: new ScriptedResolver(),
    openCheck: (check) => ({
      run: () => {
        checked.push(check.url);
        return () => undefined;
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  });
  const states = (): string[] => rig.pools.targets.get("up")!.parts!.all.map((part) => part.health().state);
  const tell = (text: string): void =>
    board.tell([{ of: OF, members: text.split(" ").map((one) => memberOf(one, {})) }]);
  tell("a");
  assert.deepEqual(states(), ["ready"]);
  tell("a b");
  rig.advance(1_000);
  assert.deepEqual(states(), ["ready", "down"]);
  assert.ok(checked.includes("http://b.test:1"), "it is asked where it is");
});

test("with least_connections a member gets the less the more it says that it carries, and after half a minute without word as the others", async () => {
  await using scene = open("least_connections", "", "a b");
  assert.equal(oneByOne(scene, 10), "aaaaabbbbb");
  scene.found("a b", { a: 0.9, b: 0 });
  const { length } = oneByOne(scene, 22).replaceAll("b", "");
  assert.ok(length >= 1 && length <= 3, `${length} of 22`);
  scene.rig.advance(31_000);
  assert.ok(oneByOne(scene, 30).replaceAll("b", "").length >= 10);
});

test("with load_latency shares follow the square of the score, and nobody gets nothing", async () => {
  await using scene = open("load_latency", "", "a b");
  scene.found("a b", { a: 1, b: 0 });
  // 0.3 and 1: of 300 some 25.
  const { length } = oneByOne(scene, 300).replaceAll("b", "");
  assert.ok(length >= 5 && length <= 60, `${length} of 300`);
});

test("another strategy does not ask what members say of their load", async () => {
  await using scene = open("weighted_round_robin", "", "a b");
  scene.found("a b", { a: 1, b: 0 });
  assert.equal(oneByOne(scene, 10), "aaaaabbbbb");
});
