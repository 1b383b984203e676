import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deque } from "./signal-queue.ts";

test("deque: any sequence of operations agrees with an array", () => {
  const anOperation = fc.tuple(fc.constantFrom("push", "push", "unshift", "shift", "keep"), fc.nat(100));
  fc.assert(
    fc.property(fc.array(anOperation, { maxLength: 300 }), (operations) => {
      const deque = new Deque<number>();
      let model: number[] = [];
      for (const [kind, n] of operations) {
        if (kind === "push") model.push(n);
        if (kind === "push") deque.push(n);
        if (kind === "unshift") model.unshift(n);
        if (kind === "unshift") deque.unshift(n);
        if (kind === "shift") assert.equal(deque.shift(), model.shift());
        if (kind === "keep") model = model.filter((value) => value % 3 !== n % 3);
        if (kind === "keep") deque.keep((value) => value % 3 !== n % 3);
        assert.equal(deque.length, model.length);
        assert.equal(deque.peek(), model[0]);
      }
      while (model.length > 0) assert.equal(deque.shift(), model.shift());
      assert.equal(deque.shift(), undefined);
    }),
  );
});
