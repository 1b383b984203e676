import assert from "node:assert/strict";
import { test } from "node:test";
import { AtMost } from "./at-most.ts";

test("so many calls are under way at once, the others in their order; who leaves before its turn is not begun", async () => {
  const atMost = new AtMost(2);
  const { signal } = new AbortController();
  const leaving = new AbortController();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const call = (name: string, by = signal): Promise<string> =>
    atMost.run(
      by,
      () => {
        begun.push(name);
        return new Promise((resolve) => ends.set(name, () => resolve(name)));
      },
      "not begun",
    );
  const all = [call("a"), call("b"), call("c", leaving.signal), call("d")];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await settle();
  assert.deepEqual(begun, ["a", "b"]);
  leaving.abort();
  ends.get("b")?.();
  await settle();
  assert.deepEqual(begun, ["a", "b", "d"]);
  ends.get("a")?.();
  ends.get("d")?.();
  assert.deepEqual(await Promise.all(all), ["a", "b", "not begun", "d"]);
  assert.equal(await atMost.run(leaving.signal, async () => "begun", "not begun"), "not begun");
  assert.equal(await atMost.run(signal, async () => "begun", "not begun"), "begun");
});

test("a call that fails gives its place to the next", async () => {
  const atMost = new AtMost(1);
  const { signal } = new AbortController();
  await assert.rejects(
    atMost.run(signal, async () => Promise.reject(new Error("no")), undefined),
    /no/u,
  );
  assert.equal(await atMost.run(signal, async () => 1, 0), 1);
});
