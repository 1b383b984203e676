import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReceiveWindow } from "../../../src/http2/own/connection/receive-window.ts";

test("a window loses nothing, never grows, and is open again by half once everything was given back", () => {
  const action = fc.tuple(fc.constantFrom("take", "take padded", "give", "update"), fc.nat(2_000));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.array(action, { maxLength: 200 }), (size, actions) => {
      const window = new ReceiveWindow(size, size);
      let peer = size;
      for (const [what, bytes] of actions) {
        if (what === "give") window.give(bytes);
        else if (what === "update") peer += window.update();
        else {
          const body = what === "take" ? bytes : Math.floor(bytes / 2);
          assert.equal(window.take(bytes, body), bytes <= peer);
          if (bytes <= peer) peer -= bytes;
        }
        assert.equal(window.left, peer, "both sides know the same");
        assert.ok(peer + window.held <= size);
      }
      window.give(Number.MAX_SAFE_INTEGER);
      peer += window.update();
      assert.equal(window.held, 0);
      assert.ok(peer * 2 >= size, `${peer} of ${size}`);
    }),
  );
});

test("a window is taken to its last byte, and not one beyond it", () => {
  const window = new ReceiveWindow(100, 100);
  assert.equal(window.take(101, 101), false);
  assert.deepEqual([window.left, window.held], [100, 0], "what is refused is not counted");
  assert.equal(window.take(60, 60), true);
  assert.equal(window.take(41, 41), false);
  assert.equal(window.take(40, 40), true);
  assert.equal(window.take(1, 1), false);
  assert.equal(window.take(0, 0), true);
});

test("what is of no use to the owner is given back by itself", () => {
  const window = new ReceiveWindow(100, 100);
  assert.equal(window.take(100, 0), true);
  assert.deepEqual([window.held, window.update(), window.left], [0, 100, 100]);
  assert.equal(window.take(100, 40), true);
  assert.deepEqual([window.held, window.update(), window.left], [40, 60, 60]);
  window.give(1_000);
  assert.deepEqual([window.held, window.update()], [0, 0], "so little is worth no frame yet");
  assert.equal(window.take(60, 0), true);
  assert.deepEqual([window.update(), window.left], [100, 100]);
});
