import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, getHeapStatistics, serialize } from "node:v8";
import { collectAll } from "../../core/collect.ts";
import fc from "fast-check";
import { Secret } from "../../core/secret.ts";
import { packSecrets, unpackSecrets } from "./document-work.ts";

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

test("document work: what was sent to another process is there what it was, with secrets", () => {
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(
      fc.string({ maxLength: 2 }),
      fc.nat({ max: 3 }),
      fc.boolean(),
      fc.constantFrom(null, undefined, "1", 1),
    ),
    tree: fc.oneof(
      { maxDepth: 4 },
      tie("leaf"),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "1"), tie("tree"), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => assert.deepEqual(unpackSecrets(deserialize(serialize(packSecrets(value)))), value)),
  );
  const secrets = { a: new Secret("one"), b: [new Secret("one"), new Secret("two")] };
  const came = unpackSecrets(deserialize(serialize(packSecrets(secrets)))) as typeof secrets; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what it was
  assert.deepEqual([came.a.reveal(), ...came.b.map((one) => one.reveal())], ["one", "one", "two"]);
});

test("document work: of what came from another process, what is the same is there once, and nobody changes it", () => {
  const rules = Array.from({ length: 100 }, (_, i) => ({
    id: `r${i}`,
    conditions: [{ key: `k${i % 2}`, tests: [{ op: "=" }] }],
  }));
  const came = unpackSecrets(deserialize(serialize(packSecrets(rules)))) as typeof rules; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what they were
  assert.deepEqual(came, rules);
  assert.equal(new Set(came.flatMap(({ conditions }) => conditions)).size, 2);
  assert.equal(new Set(came.map(({ conditions }) => conditions)).size, 2);
  assert.equal(new Set(came.flatMap(({ conditions }) => conditions.map(({ tests }) => tests))).size, 1);
  assert.throws(() => (came[0]!.conditions[0]!.key = "other"), TypeError);
});
