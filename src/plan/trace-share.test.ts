import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../core/random.ts";
import { traceShare } from "./trace-share.ts";

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const rate = fc.double({ min: 0, max: 1, noNaN: true });

test("a trace in a share is in every larger one: all nodes and all rules agree", () => {
  fc.assert(
    fc.property(id, rate, rate, (trace, a, b) => {
      const [smaller, larger] = [Math.min(a, b), Math.max(a, b)];
      if (traceShare(smaller)(trace, 0, 16)) assert.ok(traceShare(larger)(trace, 0, 16));
    }),
  );
});

test("rate 1 is all traces, rate 0 none", () => {
  fc.assert(
    fc.property(id, (trace) => {
      assert.deepEqual([traceShare(1)(trace, 0, 16), traceShare(0)(trace, 0, 16)], [true, false]);
    }),
  );
});

test("what has no trace id of 16 bytes is in no share", () => {
  for (const length of [0, 1, 8, 15, 17, 32]) assert.equal(traceShare(1)(new Uint8Array(64), 8, 8 + length), false);
});

test("the range decides, not what is around it", () => {
  fc.assert(
    fc.property(id, fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (trace, before, after) => {
      const around = Uint8Array.from([...before, ...trace, ...after]);
      const share = traceShare(0.5);
      assert.equal(share(around, before.length, before.length + 16), share(trace, 0, 16));
    }),
  );
});

const ids: { name: string; make: (i: number, random: () => number) => Uint8Array }[] = [
  { name: "random ids", make: (_, random) => Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)) },
  { name: "ids that count up", make: (i) => new Uint8Array(Uint32Array.of(0, 0, 0, i).buffer) },
  { name: "ids of 64 bits, padded", make: (i) => new Uint8Array(Uint32Array.of(i * 7_919, i, 0, 0).buffer) },
];
for (const { name, make } of ids) {
  test(`shares of ${name} are as large as they say, within four standard deviations`, () => {
    const random = seededRandom(7);
    const count = 20_000;
    for (const share of [0.01, 0.25, 0.5, 0.9]) {
      const holds = traceShare(share);
      let hits = 0;
      for (let i = 0; i < count; i++)
        if (
          holds(
            make(i, () => random.next()),
            0,
            16,
          )
        )
          hits++;
      const deviation = Math.sqrt(count * share * (1 - share));
      assert.ok(Math.abs(hits - count * share) < 4 * deviation, `${hits} of ${count} at ${share}`);
    }
  });
}
