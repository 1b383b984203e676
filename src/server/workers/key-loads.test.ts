import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { addLaneLoads, type KeyLoad } from "../../data/queue/key-load.ts";
import { KeyLoadReport } from "./key-load-report.ts";
import { KeyLoads } from "./key-loads.ts";

/** Workers whose loads a test sets, and what each knows of the others. */
class Rig {
  readonly clock = new ManualClock();
  readonly own: KeyLoad[][];
  readonly known: Map<string, string>[];
  messages = 0;
  readonly node: KeyLoads;
  readonly #reports: KeyLoadReport[];

  constructor(count: number) {
    this.own = Array.from({ length: count }, () => []);
    this.known = Array.from({ length: count }, () => new Map<string, string>());
    this.node = new KeyLoads(count, (index, message) => {
      this.messages++;
      if (message.kind === "others") this.#reports[index]!.told(message.loads);
    });
    this.#reports = this.own.map((_, i) => this.begin(i));
  }

  begin(index: number): KeyLoadReport {
    const report = new KeyLoadReport(this.clock, (message) => {
      if (message.kind === "loads") this.node.reported(index, message.loads);
    });
    report.attend({
      keyLoads: () => this.own[index]!,
      learnKeyLoad: ({ pool, lanes }) => {
        const text = lanes.map(({ lane, bytes, saturated }) => `${lane} ${bytes}${saturated ? "!" : ""}`).join();
        this.known[index]!.set(pool, text);
      },
    });
    return report;
  }

  have(index: number, ...lanes: [string, number, boolean][]): void {
    this.own[index] = [
      { pool: "p", lanes: lanes.map(([lane, bytes, saturated]) => ({ lane, bytes, saturated })) },
    ].filter((load) => load.lanes.length > 0);
  }

  knows(): (string | undefined)[] {
    return this.known.map((one) => one.get("p"));
  }
}

test("key loads: each worker is told what the others have together, while somebody says something", () => {
  const rig = new Rig(3);
  rig.have(0, ["a", 10, true], ["b", 1, false]);
  rig.have(1, ["a", 5, false]);
  rig.clock.advance(100);
  assert.deepEqual(rig.knows(), ["a 5", "a 10!,b 1", "a 15!,b 1"]);
  const { messages } = rig;
  rig.clock.advance(1_000);
  assert.equal(rig.messages, messages, "nothing is new");
  rig.have(0);
  rig.clock.advance(100);
  assert.deepEqual(rig.knows(), ["a 5", "", "a 5"]);
});

test("key loads: what one had that ended is nobody's, and one that begins is told at once", () => {
  const rig = new Rig(2);
  rig.have(0, ["a", 10, true]);
  rig.have(1, ["a", 5, false]);
  rig.clock.advance(100);
  rig.node.ended(0);
  assert.deepEqual(rig.knows(), ["a 5", ""]);
  rig.known[0]!.clear();
  rig.node.begin(0);
  assert.deepEqual(rig.knows(), ["a 5", ""]);
});

test("key loads: a lane that is saturated in one process is so for all", () => {
  const one = { lane: "a", bytes: 2, saturated: false };
  assert.deepEqual(addLaneLoads([[one], [{ ...one, saturated: true }], [one, { ...one, lane: "b" }]]), [
    { lane: "a", bytes: 6, saturated: true },
    { lane: "b", bytes: 2, saturated: false },
  ]);
});
