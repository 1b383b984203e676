import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStream } from "./event-stream.ts";

test("events are read in order, also those that come while they are waited for, until the end", async () => {
  const events = new EventStream<number>();
  events.add(1);
  const read: number[] = [];
  const reading = (async () => {
    for await (const event of events) read.push(event);
  })();
  await new Promise(setImmediate);
  assert.deepEqual(read, [1]);
  events.add(2);
  events.add(3);
  events.close();
  events.add(4);
  await reading;
  assert.deepEqual(read, [1, 2, 3]);
});

test("of events that nobody reads the newest are kept", async () => {
  const events = new EventStream<number>(2);
  for (let i = 1; i <= 5; i++) events.add(i);
  events.close();
  const read: number[] = [];
  for await (const event of events) read.push(event);
  assert.deepEqual(read, [4, 5]);
});
