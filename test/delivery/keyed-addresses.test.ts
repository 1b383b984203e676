import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "../support/items.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { spans } from "./channel-rig.ts";
import { ownersOf, traces } from "./owners.ts";

const A = "10.0.0.1";
const B = "10.0.0.2";
const C = "10.0.0.3";
const TRACES = 300;

const NAMED = '{ id: t, endpoint: "http://tempo.test:4317", limits: { max_request_bytes: 1MiB } }';
const OTHER = '{ id: o, endpoint: "http://127.0.0.1:4317" }';

function config(targets: readonly string[], more = ""): string {
  const ids = targets.map((text) => /id: (\w+)/u.exec(text)![1]);
  const pool = `{ targets: [${ids.join()}], strategy: { type: consistent_hash, key: trace_id }${more} }`;
  return `targets: [${targets.join()}]\npools: { p: ${pool} }\ndefault_pool: p`;
}

interface Scene extends AsyncDisposable {
  readonly rig: Rig;
  readonly resolver: ScriptedResolver;
  resolved(addresses: readonly string[]): void;
}

function open(targets: readonly string[], addresses: readonly string[], more = ""): Scene {
  const resolver = new ScriptedResolver();
  const rig = new Rig(config(targets, more), { resolver });
  const resolved = (now: readonly string[]): void => {
    resolver.find(now, 30_000);
    rig.settle();
  };
  resolved(addresses);
  return { rig, resolver, resolved, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

function pass(rig: Rig, ms: number): void {
  rig.clock.advance(ms);
  rig.settle();
}

function moved(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...before].filter(([trace, owner]) => after.get(trace) !== owner).map(([trace]) => trace);
}

function count(found: ReadonlyMap<string, string>, owner: RegExp): number {
  return [...found.values()].filter((one) => owner.test(one)).length;
}

test("a key belongs to one address, the same each time, and all addresses get their part", async () => {
  await using scene = open([NAMED], [A, B, C]);
  const first = ownersOf(scene.rig, TRACES);
  assert.deepEqual(moved(first, ownersOf(scene.rig, TRACES)), []);
  for (const address of [A, B, C]) assert.ok(count(first, new RegExp(address, "u")) > TRACES / 5);
});

test("keys are the target's first, whatever its addresses: beside another one of the same weight it has half", async () => {
  await using alone = open([NAMED, OTHER], [A]);
  const before = ownersOf(alone.rig, TRACES);
  alone.resolved([A, B, C]);
  await using scene = open([NAMED, OTHER], [A, B, C]);
  const after = ownersOf(scene.rig, TRACES);
  const ofOther = (found: ReadonlyMap<string, string>): string[] =>
    [...found].filter(([, owner]) => owner === "o").map(([trace]) => trace);
  assert.deepEqual(ofOther(before), ofOther(after));
  assert.ok(Math.abs(ofOther(after).length - TRACES / 2) < TRACES / 8);
});

test("an address more takes its part of the target's keys, and moves no others", async () => {
  await using scene = open([NAMED, OTHER], [A, B]);
  const before = ownersOf(scene.rig, TRACES);
  pass(scene.rig, 30_000);
  scene.resolved([A, B, C]);
  const after = ownersOf(scene.rig, TRACES);
  const changed = moved(before, after);
  assert.ok(changed.every((trace) => after.get(trace) === `t@${C}`));
  const share = changed.length / count(before, /^t@/u);
  assert.ok(share > 0.2 && share < 0.47, `${share}`);
});

test("an address that is gone leaves its keys to the others of its target, and no others move", async () => {
  await using scene = open([NAMED, OTHER], [A, B, C]);
  const before = ownersOf(scene.rig, TRACES);
  for (let i = 0; i < 3; i++) {
    pass(scene.rig, 30_000);
    scene.resolved([A, B]);
  }
  const after = ownersOf(scene.rig, TRACES);
  const changed = moved(before, after);
  assert.equal(changed.length, count(before, new RegExp(C, "u")));
  assert.ok(changed.every((trace) => before.get(trace) === `t@${C}` && after.get(trace)!.startsWith("t@")));
});

test("what waits for an address that goes, or finds nobody there, is delivered by the others; nothing is lost or sent twice", async () => {
  await using scene = open([NAMED], [A, B, C], ", ack: queued");
  const { rig } = scene;
  for (let from = 0; from < TRACES; from += 10) rig.handle("traces", spans(traces(from, from + 10)));
  const underWay = rig.calls.length;
  for (let i = 0; i < underWay; i++) {
    if (rig.calls[i]!.target === `t@${A}`)
      rig.answer(i, { kind: "retry", reason: "connect", message: "nobody listens", unprocessed: true });
  }
  for (let i = 0; i < 3; i++) {
    pass(rig, 30_000);
    scene.resolved([B, C]);
  }
  const taken: string[] = [];
  const answered = new Set<number>();
  for (let rounds = 0; rounds < 100; rounds++) {
    for (let i = 0; i < rig.calls.length; i++) {
      const { target, batch } = rig.calls[i]!;
      const failed = i < underWay && target === `t@${A}`;
      if (answered.has(i) || failed) continue;
      answered.add(i);
      rig.answer(i, ACCEPTED);
      taken.push(...namesOf(batch.signal, Buffer.concat(batch.pieces)).map((name) => name.trim()));
    }
    pass(rig, 100);
  }
  assert.equal(taken.length, TRACES);
  assert.equal(new Set(taken).size, TRACES);
});

test("max_in_flight is the name's, also where each address has a lane of its own", async () => {
  const target = NAMED.replace("max_request_bytes: 1MiB", "max_in_flight: 2");
  await using scene = open([target], [A, B, C]);
  const { rig } = scene;
  for (let from = 0; from < 100; from += 10) rig.handle("traces", spans(traces(from, from + 10)));
  assert.equal(rig.calls.length, 2);
  for (let i = 0; i < 60; i++) {
    if (i < rig.calls.length) rig.answer(i, ACCEPTED);
    assert.ok(rig.calls.length <= i + 3);
  }
  const items = rig.calls.reduce((sum, { batch }) => sum + batch.items, 0);
  assert.equal(items, 100);
});
