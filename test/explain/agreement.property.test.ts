import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { explain } from "../../src/data/explain/explain.ts";
import type { Explanation, ItemExplanation, PlaceExplanation } from "../../src/plan/explanation.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { ACCEPTED, planOf, Rig } from "../scenario/ledger-rig.ts";
import { setTargets } from "../delivery/channel-rig.ts";
import { aConfig, anItem, headersOf, requestOf, TARGETS, type TestItem } from "./arbitrary-scene.ts";

type Step =
  | { readonly kind: "send"; readonly item: TestItem }
  | { readonly kind: "answer"; readonly nth: number; readonly fails: boolean }
  | { readonly kind: "target"; readonly id: string; readonly state: "ready" | "maintenance" }
  | { readonly kind: "wait"; readonly ms: number };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: anItem.map((item): Step => ({ kind: "send", item })) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("answer"), nth: fc.nat(9), fails: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("target"),
      id: fc.constantFrom(...TARGETS),
      state: fc.constantFrom("ready", "maintenance"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.constantFrom(1, 300, 2_500) }) },
);

/** A rig with the plan that it runs, and the calls that wait for their answers. */
class Scene implements AsyncDisposable {
  readonly rig: Rig;
  readonly plan: Plan;
  readonly #open: number[] = [];
  #seen = 0;

  constructor(text: string) {
    this.rig = new Rig(text);
    this.plan = planOf(text);
  }

  explain(items: readonly TestItem[]): Explanation {
    const { pools, clock } = this.rig;
    const parts = { plan: this.plan, pools: pools.live, targets: pools.targets, clock };
    const [first] = items;
    const from = { region: "here", headers: headersOf(first!) };
    return explain(parts, { signal: first!.signal, bytes: requestOf(items), ...from, maxItems: 100 });
  }

  take(step: Step): void {
    switch (step.kind) {
      case "send":
        this.rig.handle(step.item.signal, requestOf([step.item]), 60_000, headersOf(step.item));
        break;
      case "target":
        setTargets(this.rig, step.state, step.id);
        break;
      case "wait":
        this.rig.advance(step.ms);
        break;
      case "answer": {
        for (; this.#seen < this.rig.calls.length; this.#seen++) this.#open.push(this.#seen);
        const [index] = this.#open.splice(step.nth % Math.max(1, this.#open.length), 1);
        const failed = { kind: "retry", reason: "unavailable", message: "no", unprocessed: false } as const;
        if (index !== undefined) this.rig.answer(index, step.fails ? failed : ACCEPTED);
        break;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }

  /** Which targets were called, in order. */
  get sequence(): string {
    return this.rig.calls.map(({ target }) => target).join("");
  }

  /** Items in the ledger by rule: received without what was refused, and copied. */
  tally(): Map<string, number> {
    const rows = this.rig.env.ledger.snapshot();
    const shed = (one: Readonly<Record<string, number>>): number => Object.values(one).reduce((a, b) => a + b, 0);
    return new Map(rows.map((row) => [`${row.signal} ${row.rule}`, row.received + row.copied - shed(row.shed)]));
  }

  held(): Map<string, number> {
    return new Map([...this.rig.pools.live].map(([name, pool]) => [name, pool.heldItems]));
  }
}

function grown(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  return [...after].flatMap(([key, count]) => (count > (before.get(key) ?? 0) ? [key] : [])).toSorted();
}

function placesOf({ copies, place }: ItemExplanation): PlaceExplanation[] {
  return place === null ? [...copies] : [...copies, place];
}

const refusals = new Map<string, number>();
const seen = { sent: 0, picks: 0, chances: 0, failovers: 0, copies: 0, unmatched: 0 };

/** Sends an item that was explained, and compares. */
function checkOne(scene: Scene, item: TestItem): void {
  const explanation = scene.explain([item]);
  const [told] = explanation.items;
  assert.ok(told !== undefined);
  const before = { tally: scene.tally(), held: scene.held(), calls: scene.rig.calls.length };
  const { replies } = scene.rig.handle(item.signal, requestOf([item]), 60_000, headersOf(item));
  const calls = scene.rig.calls.slice(before.calls).map(({ target }) => target);
  const [reply] = replies;
  if (explanation.refusal !== null) {
    refusals.set(explanation.refusal.reason, (refusals.get(explanation.refusal.reason) ?? 0) + 1);
    assert.ok(reply !== undefined && !reply.ok, "it was to be refused");
    assert.equal(reply.refusal.reason, explanation.refusal.reason);
    assert.equal(reply.refusal.message, explanation.refusal.message);
    return;
  }
  assert.ok(reply === undefined || reply.ok, "it was not to be refused");
  const places = placesOf(told);
  // What the first parcel of a request takes in a small pool, the second may lack: nobody looks at
  // both together.
  if (new Set(places.map(({ pool }) => pool)).size < places.length) return;
  const rules = new Set(places.map(({ rule }) => `${item.signal} ${rule}`));
  if (told.unmatched === "drop") rules.add(`${item.signal} (none)`);
  assert.deepEqual(grown(before.tally, scene.tally()), [...rules].toSorted());
  // What entered a pool that is down may be passed on at once, to wait in the next one: it is still
  // told where it entered.
  const enters = places.map(({ pool, chain }) =>
    chain.some(({ usable }) => usable) ? [pool] : chain.map((one) => one.pool),
  );
  for (const pool of grown(before.held, scene.held())) assert.ok(enters.flat().includes(pool), `it went to ${pool}`);
  for (const own of enters)
    assert.ok(
      own.some((pool) => grown(before.held, scene.held()).includes(pool)),
      own.join(),
    );
  note(told, places);
  checkCalls(places, calls);
}

function note(told: ItemExplanation, places: readonly PlaceExplanation[]): void {
  seen.sent++;
  seen.copies += told.copies.length;
  if (told.unmatched !== null) seen.unmatched++;
  for (const place of places) if (place.chain[0]?.pool !== place.pool) seen.failovers++;
}

/** With one place and nothing that waits before it, the pick is the call that was made. */
function checkCalls(places: readonly PlaceExplanation[], calls: readonly string[]): void {
  const [only] = places;
  if (only === undefined || places.length > 1 || only.queued_items > 0) return;
  const inChannel = new Set(only.targets.filter(({ in_channel }) => in_channel).map(({ id }) => id));
  for (const call of calls) assert.ok(inChannel.has(call), `${call} is not in the channel`);
  switch (only.pick.kind) {
    case "target":
      seen.picks++;
      assert.deepEqual(calls, [only.pick.target]);
      break;
    case "waits":
      assert.deepEqual(calls, []);
      break;
    case "chances":
      seen.chances++;
      assert.equal(calls.length, 1);
      assert.ok((only.pick.chances[calls[0]!] ?? 0) > 0, `${calls[0]} had no chance`);
      assert.ok(Math.abs(Object.values(only.pick.chances).reduce((a, b) => a + b) - 1) < 1e-9);
      break;
    case "copies":
      for (const call of calls) assert.ok(only.pick.targets.includes(call));
      break;
    case "plugin":
      assert.fail("there is no plugin");
  }
}

test("explain says of any item under any config what the pipeline then does: rules, pools, channels, copies, picks, refusals", async () => {
  await fc.assert(
    fc.asyncProperty(
      aConfig,
      fc.array(aStep, { maxLength: 25, size: "max" }),
      fc.array(anItem, { minLength: 1, maxLength: 4 }),
      async (text, steps, items) => {
        await using scene = new Scene(text);

        for (const step of steps) scene.take(step);
        for (const item of items) checkOne(scene, item);
      },
    ),
    { numRuns: 200, seed: 11 },
  );
  const rare = { ...seen, noTarget: refusals.get("no_target") ?? 0, full: refusals.get("queue_full") ?? 0 };
  for (const [what, times] of Object.entries(rare)) assert.ok(times > 2, `${what} came up ${times} times`);
});

test("items of one request are explained as they are together, where there is room", async () => {
  await fc.assert(
    fc.asyncProperty(
      aConfig.map((text) => text.replaceAll('"max_bytes":1200', '"max_bytes":100000')),
      fc.array(anItem, { minLength: 1, maxLength: 12 }),
      async (text, items) => {
        const signal = items[0]!.signal;
        const same = items.map((item) => ({ ...item, signal }));
        await using scene = new Scene(text);

        const { items: told, refusal, total_items: total } = scene.explain(same);
        assert.deepEqual([told.length, total], [same.length, same.length]);
        scene.rig.handle(signal, requestOf(same), 60_000, headersOf(same[0]!));
        if (refusal !== null) return;
        const wanted = new Map<string, number>();
        for (const one of told) {
          for (const { rule } of placesOf(one)) wanted.set(rule, (wanted.get(rule) ?? 0) + 1);
          if (one.unmatched === "drop") wanted.set("(none)", (wanted.get("(none)") ?? 0) + 1);
        }
        const got = [...scene.tally()].map(([key, n]) => [key.replace(/^\w+ /u, ""), n] as const);
        assert.deepEqual(new Map(got.filter(([, n]) => n > 0)), wanted);
      },
    ),
    { numRuns: 60 },
  );
});

test("explain changes nothing: asked after every step, the calls are the same ones in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(aConfig, fc.array(aStep, { maxLength: 40, size: "max" }), anItem, async (text, steps, item) => {
      await using asked = new Scene(text);
      await using left = new Scene(text);
      for (const step of steps) {
        assert.deepEqual(asked.explain([item]), asked.explain([item]));
        asked.take(step);
        left.take(step);
      }
      assert.equal(asked.sequence, left.sequence);
      assert.deepEqual(asked.tally(), left.tally());
      assert.deepEqual(asked.held(), left.held());
    }),
    { numRuns: 50 },
  );
});
