import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "../../src/data/queue/delivery.ts";
import type { QueueStore, StorePartition } from "../../src/data/queue/queue-store.ts";

import { propertyContract } from "./queue-model.ts";
import { ids, SOME_TENANT, type OpenedStore, Source, type StoreOptions } from "./queue-source.ts";

const ALL = { records: Infinity, items: Infinity, bytes: Infinity };

function partitionOf(store: QueueStore, { record, tenant }: Delivery): StorePartition {
  const found = store.partitions.find((one) => one.signal === record.signal && one.tenant === tenant);
  return found ?? assert.fail("it has no partition");
}

function put(store: QueueStore, delivery: Delivery): void {
  assert.equal(store.reserve(delivery.charge, delivery.record.items), true);
  store.append(delivery);
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
      source.next(10, 1, "traces", SOME_TENANT),
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
