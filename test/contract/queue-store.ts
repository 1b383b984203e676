import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OWN_MEMORY } from "../../src/core/arena/extent.ts";
import { deliver, type Delivery } from "../../src/data/queue/delivery.ts";
import { NO_LOSSES } from "../../src/data/queue/losses.ts";
import type { QueueStore, StorePartition } from "../../src/data/queue/queue-store.ts";
import { NEVER_MS } from "../../src/data/queue/record.ts";
import { Records } from "../../src/data/queue/records.ts";
import type { Tenant } from "../../src/data/queue/tenants.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** What a store is opened with: room for so many bytes, and no record in it. */
export interface StoreOptions {
  readonly maxBytes: number;
}

export interface OpenedStore {
  readonly store: QueueStore;
  /** Bytes and items that are reserved and not acked. */
  readonly held: () => { readonly bytes: number; readonly items: number };
  /** Whether what is in it outlives a `keep`. */
  readonly keeps: boolean;
}

const NOBODY: Tenant = { key: "nobody", heldBytes: 0, parcels: 0, inFlight: 0, served: 0 };
const ALL = { records: Infinity, items: Infinity, bytes: Infinity };

/** Makes deliveries, as a pool does. */
class Source {
  readonly clock = new ManualClock();
  readonly #records = new Records({ ledger: createLedger(), losses: NO_LOSSES });

  next(bytes: number, items = 1, signal: Signal = "traces", tenant?: Tenant): Delivery {
    const from = { signal, region: "", headers: NO_HEADERS, ack: "queued", shares: [] } as const;
    const times = { enqueuedMs: this.clock.nowMs(), expiresMs: NEVER_MS };
    const pieces = [new Uint8Array(bytes)];
    const facts = { ...from, ...times, bytes, items, points: items };
    const delivery = deliver(this.#records.add(facts, pieces, OWN_MEMORY, undefined));
    delivery.tenant = tenant;
    return delivery;
  }
}

function partitionOf(store: QueueStore, { record, tenant }: Delivery): StorePartition {
  const found = store.partitions.find((one) => one.signal === record.signal && one.tenant === tenant);
  return found ?? assert.fail("it has no partition");
}

function put(store: QueueStore, delivery: Delivery): void {
  assert.equal(store.reserve(delivery.charge, delivery.record.items), true);
  store.append(delivery);
}

function ids(deliveries: Iterable<Delivery>): number[] {
  return Array.from(deliveries, ({ record }) => record.id);
}

/** What every store of queues does, whatever its records are in. */
export function queueStoreContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  orderContract(name, open);
  walkContract(name, open);
  timeContract(name, open);
  roomContract(name, open);
  closeContract(name, open);
  propertyContract(name, open);
}

function orderContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  test(`${name}: what is read comes in the order in which it was appended, each partition by itself`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const [one, log, two, other] = [
      source.next(10),
      source.next(10, 1, "logs"),
      source.next(10),
      source.next(10, 1, "traces", NOBODY),
    ];
    for (const delivery of [one, log, two, other]) put(store, delivery);
    assert.deepEqual(ids(store.read(partitionOf(store, one), ALL)), ids([one, two]));
    assert.deepEqual(ids(store.read(partitionOf(store, other), ALL)), ids([other]));
    assert.deepEqual(ids(store.read(partitionOf(store, log), ALL)), ids([log]));
    assert.deepEqual([store.isEmpty, store.queuedItems, store.queuedCharge], [true, 0, 0]);
  });

  test(`${name}: what is read keeps the limits, and is one at least`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const all = [source.next(300, 5), source.next(10, 2), source.next(10, 2), source.next(10, 2)];
    for (const delivery of all) put(store, delivery);
    const partition = partitionOf(store, all[0]!);
    assert.deepEqual(ids(store.read(partition, { records: 9, items: 4, bytes: 100 })), ids([all[0]!]));
    assert.deepEqual(ids(store.read(partition, { records: 9, items: 4, bytes: 100 })), ids([all[1]!, all[2]!]));
    store.release([all[1]!, all[2]!]);
    assert.deepEqual(ids(store.read(partition, { records: 9, items: 99, bytes: 15 })), ids([all[1]!]));
    assert.deepEqual(ids(store.read(partition, { records: 1, items: 99, bytes: 99 })), ids([all[2]!]));
  });

  test(`${name}: whoever reads may leave the rest, and take out what is not to be read`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const all = [source.next(10), source.next(10), source.next(10), source.next(10)];
    for (const delivery of all) put(store, delivery);
    const verdicts = ["out", "take", "stop"] as const;
    let asked = 0;
    const read = store.read(partitionOf(store, all[0]!), ALL, { of: () => verdicts[asked++]! });
    assert.deepEqual([ids(read), ids(store.takeAll())], [ids([all[1]!]), ids([all[2]!, all[3]!])]);
  });

  test(`${name}: what is put back is first again, in its order`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const all = [source.next(10), source.next(10), source.next(10)];
    for (const delivery of all) put(store, delivery);
    const partition = partitionOf(store, all[0]!);
    store.release(store.read(partition, { ...ALL, records: 2 }));
    assert.deepEqual(ids(store.read(partition, ALL)), ids(all));
  });

  test(`${name}: the oldest is found in all partitions, ready or not`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const old = source.next(10, 1, "logs");
    source.clock.advance(5);
    const young = source.next(10);
    for (const delivery of [young, old]) put(store, delivery);
    store.release(store.read(partitionOf(store, old), ALL), 50);
    assert.deepEqual(ids([store.oldest()!, store.oldest("traces")!]), ids([old, young]));
    assert.deepEqual([store.takeOldest(), store.takeOldest(), store.takeOldest()], [old, young, undefined]);
  });
}

function walkContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  test(`${name}: what waits since a time can be walked, ready or not, while things come and go`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const old = [source.next(10), source.next(10), source.next(10, 1, "logs"), source.next(10)];
    for (const delivery of old) put(store, delivery);
    const [, , later] = old;
    store.release(store.read(partitionOf(store, later!), ALL), 50);
    source.clock.advance(5);
    const young = source.next(10);
    put(store, young);
    assert.deepEqual(new Set(ids(store.waitingSince(4))), new Set(ids(old)));
    assert.deepEqual(ids(store.waitingSince(-1)), []);
    assert.deepEqual(ids(store.waitingSince(5)).length, 5);
    const walk = store.waitingSince(5)[Symbol.iterator]();
    walk.next();
    store.takeAll();
    assert.equal(walk.next().done, true);
  });

  test(`${name}: a walk over what waits tells nothing that was made ready and read in between`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const all = [source.next(10), source.next(10), source.next(10)];
    for (const delivery of all) put(store, delivery);
    const partition = partitionOf(store, all[0]!);
    store.release(store.read(partition, ALL), 50);
    const walk = store.waitingSince(5)[Symbol.iterator]();
    assert.equal(walk.next().done, false);
    store.wake(50);
    assert.equal(store.read(partition, ALL).length, 3);
    assert.equal(walk.next().done, true);
  });
}

function timeContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  test(`${name}: what is released for a time is not read before, and first then`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const [one, two] = [source.next(10), source.next(10)];
    for (const delivery of [one, two]) put(store, delivery);
    const partition = partitionOf(store, one);
    store.release(store.read(partition, { ...ALL, records: 1 }), 100);
    assert.deepEqual([one.record.notBeforeMs, store.nextMs, store.holds("traces")], [100, 100, true]);
    assert.deepEqual(ids(store.wake(99)), []);
    assert.deepEqual(ids(store.read(partition, ALL)), ids([two]));
    store.release([two]);
    assert.deepEqual(ids(store.wake(100)), ids([one]));
    assert.deepEqual([one.record.notBeforeMs, store.nextMs], [0, Infinity]);
    assert.deepEqual(ids(store.read(partition, ALL)), ids([one, two]));
  });

  test(`${name}: what waits for its time can be taken back, once, and not when the time has come`, () => {
    const { store } = open({ maxBytes: 1_000 });
    const source = new Source();
    const [one, two] = [source.next(10), source.next(10, 1, "logs")];
    for (const delivery of [one, two]) put(store, delivery);
    const asides = [one, two].map((delivery) => store.release(store.read(partitionOf(store, delivery), ALL), 100));
    assert.deepEqual(ids(store.recall(asides[0]!)), ids([one]));
    assert.deepEqual(store.recall(asides[0]!), []);
    store.wake(100);
    assert.deepEqual(store.recall(asides[1]!), []);
    assert.deepEqual(ids(store.takeAll()), ids([two]));
  });
}

function roomContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  test(`${name}: there is room up to the bound, and again for what was acked`, () => {
    const { store, held } = open({ maxBytes: 100 });
    const source = new Source();
    const [one, two] = [source.next(60, 3), source.next(40)];
    for (const delivery of [one, two]) put(store, delivery);
    assert.deepEqual([store.reserve(1, 1), held()], [false, { bytes: 100, items: 4 }]);
    const read = store.read(partitionOf(store, one), ALL);
    assert.equal(store.reserve(1, 1), false, "what is under way has its room");
    for (const delivery of read) store.ack(delivery);
    assert.deepEqual([store.reserve(101, 1), held()], [false, { bytes: 0, items: 0 }]);
    assert.deepEqual([store.reserve(100, 1), held()], [true, { bytes: 100, items: 1 }]);
  });

  test(`${name}: the parts of what was taken out have its room`, () => {
    const { store, held } = open({ maxBytes: 100 });
    const source = new Source();
    const whole = source.next(100, 2);
    put(store, whole);
    const parts = [source.next(60, 2), source.next(40, 1)];
    store.exchange(store.read(partitionOf(store, whole), ALL)[0]!, parts);
    store.release(parts);
    assert.deepEqual([held(), store.reserve(1, 1)], [{ bytes: 100, items: 3 }, false]);
    for (const part of store.takeAll()) store.ack(part);
    assert.deepEqual(held(), { bytes: 0, items: 0 });
  });
}

function closeContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
  for (const how of ["keep", "fail"] as const) {
    test(`${name}: closed with ${how} it takes nothing any more, and gives what has to end`, () => {
      const { store, keeps } = open({ maxBytes: 100 });
      const source = new Source();
      const [one, two] = [source.next(10), source.next(10, 1, "logs")];
      for (const delivery of [one, two]) put(store, delivery);
      store.release(store.read(partitionOf(store, one), ALL), 1_000);
      const given = store.close(how);
      assert.deepEqual(
        ids(given).toSorted((a, b) => a - b),
        how === "keep" && keeps ? [] : ids([one, two]),
      );
      assert.equal(store.reserve(1, 1), false);
    });
  }

  test(`${name}: who appends is told when it would outlive what it can outlive`, async () => {
    const { store } = open({ maxBytes: 100 });
    const delivery = new Source().next(10);
    assert.equal(store.reserve(delivery.charge, 1), true);
    await new Promise<void>((durable) => store.append(delivery, durable));
    assert.deepEqual(ids(store.takeAll()), ids([delivery]));
  });
}

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
        const one = this.source.next(step.bytes, step.items, step.signal, step.isOfTenant ? NOBODY : undefined);
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

function propertyContract(name: string, open: (options: StoreOptions) => OpenedStore): void {
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
