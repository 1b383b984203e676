import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, getHeapStatistics, serialize } from "node:v8";
import { collectAll } from "../../core/collect.ts";
import { unpackSecrets } from "./document-work.ts";

test("document work: of what came from another process, texts that are the same are there once", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => ({ name: `deployment.environment.name.${i % 10}` }));
  const sent = serialize(names);
  const heapOf = (make: () => unknown): number => {
    collectAll();
    const before = getHeapStatistics().used_heap_size;
    const made = make();
    collectAll();
    const bytes = getHeapStatistics().used_heap_size - before;
    assert.deepEqual(made, names);
    return bytes;
  };
  const [came, unpacked] = [heapOf(() => deserialize(sent)), heapOf(() => unpackSecrets(deserialize(sent)))];
  assert.ok(unpacked < 0.7 * came, `${unpacked} bytes of ${came}`);
});
