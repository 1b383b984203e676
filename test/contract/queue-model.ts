import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Delivery } from "../../src/data/queue/delivery.ts";
import type { QueueStore } from "../../src/data/queue/queue-store.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { ids, SOME_TENANT, type OpenedStore, Source, type StoreOptions } from "./queue-source.ts";

const aStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      bytes: fc.integer({ min: 1, max: 300 }),
      items: fc.integer({ min: 1, max: 9 }),
      signal: fc.constantFrom<Signal>("traces", "logs"),
      isOfTenant: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      nth: fc.nat(5),
      limits: fc.record({ records: fc.integer({ min: 1, max: 4 }), items: fc.nat(20), bytes: fc.nat(600) }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("return" as const),
      nth: fc.nat(5),
      how: fc.constantFrom("ack" as const, "release" as const, "later" as const),
      afterMs: fc.nat(40),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("recall" as const), nth: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("oldest" as const) }) },
);
type Step = typeof aStep extends fc.Arbitrary<infer One> ? One : never;

/** What a test knows of a store. */
class Model {
  readonly opened: OpenedStore;
  readonly source = new Source();
  /** All that was appended and is not acked, by its id. */
  readonly live = new Map<number, Delivery>();
  /** Taken out together, and not given back yet. */
  out: Delivery[][] = [];
  asides: ReturnType<QueueStore["release"]>[] = [];

  constructor(opened: OpenedStore) {
    this.opened = opened;
  }

  take(step: Step): void {
    const { store } = this.opened;
    const nowMs = this.source.clock.nowMs();
    switch (step.kind) {
      case "append": {
        const one = this.source.next(step.bytes, step.items, step.signal, step.isOfTenant ? SOME_TENANT : undefined);
        const fits = this.heldBytes + one.charge <= MAX_BYTES;
        assert.equal(store.reserve(one.charge, step.items), fits);
        if (!fits) return;
        store.append(one);
        this.live.set(one.record.id, one);
        return;
      }
      case "read": {
        const partition = store.partitions[step.nth % store.partitions.length]!;
        const read = store.read(partition, step.limits);
        if (read.length > 0) this.out.push(read);
        for (const { record } of read) assert.equal(record.signal, partition.signal);
        return;
      }
      case "return":
        return this.#giveBack(step.nth, step.how, nowMs + step.afterMs);
      case "recall": {
        const recalled = this.asides.length === 0 ? [] : store.recall(this.asides[step.nth % this.asides.length]!);
        if (recalled.length > 0) this.out.push([...recalled]);
        return;
      }
      case "pass":
        this.source.clock.advance(step.ms);
        store.wake(this.source.clock.nowMs());
        return;
      case "oldest": {
        const oldest = store.takeOldest();
        if (oldest !== undefined) this.out.push([oldest]);
        return;
      }
    }
  }

  check(): void {
    const { store, held } = this.opened;
    const underWay = this.out.flat();
    const waiting = [...this.live.values()].filter((one) => !underWay.includes(one));
    assert.deepEqual(held(), { bytes: this.heldBytes, items: sumOf(this.live.values(), ({ record }) => record.items) });
    assert.deepEqual(
      [store.queuedCharge, store.queuedItems, store.isEmpty],
      [sumOf(waiting, ({ charge }) => charge), sumOf(waiting, ({ record }) => record.items), waiting.length === 0],
    );
  }

  get heldBytes(): number {
    return sumOf(this.live.values(), ({ charge }) => charge);
  }

  #giveBack(nth: number, how: "ack" | "release" | "later", atMs: number): void {
    const { store } = this.opened;
    const [group] = this.out.splice(nth % Math.max(1, this.out.length), 1);
    if (group === undefined) return;
    if (how === "release") store.release(group);
    else if (how === "later") this.asides.push(store.release(group, atMs));
    else {
      for (const one of group) {
        store.ack(one);
        this.live.delete(one.record.id);
      }
    }
  }
}

const MAX_BYTES = 2_000;

function sumOf(all: Iterable<Delivery>, of: (one: Delivery) => number): number {
  let sum = 0;
  for (const one of all) sum += of(one);
  return sum;
}

/** Whatever steps are taken, a store is as its model. */
export function propertyContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  test(`${name}: whatever is done, nothing is lost, nothing comes twice, and the room is what is held`, () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 80, size: "max" }), (steps) => {
        const model = new Model(open({ maxBytes: MAX_BYTES }));
        for (const step of steps) {
          model.take(step);
          model.check();
        }
        const { store } = model.opened;
        const seen = ids([...model.out.flat(), ...store.takeAll()]);
        assert.deepEqual(
          seen.toSorted((a, b) => a - b),
          [...model.live.keys()].toSorted((a, b) => a - b),
        );
        store.tidy();
        assert.equal(store.isEmpty, true);
      }),
      { numRuns: 300 },
    );
  });
}
