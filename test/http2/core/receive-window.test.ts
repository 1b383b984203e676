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
