import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { seededRandom } from "../../core/random.ts";
import { ConfigReconciler, wantedOf, type WantedVersion } from "./config-reconciler.ts";
import { type ConfigDirective, digestOf } from "./directive.ts";

const ONE = { version: 1, sha256: digestOf("one") };
const TWO = { version: 2, sha256: digestOf("two") };
const CANDIDATE = { ...TWO, stage: "node", again: false, base: 1, nodes: ["n1", "n2"], incarnations: ["i1", "i2"] };
const TRIED: WantedVersion = { ...TWO, triedFor: 1 };

const cases: readonly {
  readonly name: string;
  readonly candidate: ConfigDirective["candidate"];
  readonly id?: string;
  readonly want: WantedVersion;
}[] = [
  { name: "no candidate", candidate: undefined, want: ONE },
  { name: "it is asked", candidate: CANDIDATE, want: TRIED },
  { name: "others are asked", candidate: CANDIDATE, id: "n3", want: ONE },
  { name: "an earlier start of it was asked", candidate: { ...CANDIDATE, incarnations: ["i0", "i2"] }, want: ONE },
  { name: "nothing is said of starts", candidate: { ...CANDIDATE, incarnations: undefined }, want: TRIED },
  { name: "all are asked", candidate: { ...CANDIDATE, nodes: undefined, incarnations: undefined }, want: TRIED },
  { name: "nobody is asked", candidate: { ...CANDIDATE, nodes: [], incarnations: [] }, want: ONE },
  { name: "it is tried for what runs no more", candidate: { ...CANDIDATE, base: 7 }, want: ONE },
];
for (const { name, candidate, id = "n1", want } of cases) {
  test(`which version a node is to run: ${name}`, () => {
    assert.deepEqual(wantedOf({ ...ONE, candidate }, { id, incarnation: "i1" }), want);
  });
}

test("what was tried ends with its directive; and is applied once more when it is what all run", async () => {
  const clock = new ManualClock();
  const followed: string[] = [];
  await using reconciler = new ConfigReconciler({
    clock,
    random: seededRandom(1),
    log: recordedLog(clock),
    id: "n1",
    incarnation: "i1",
    fetch: async (digest) => ["one", "two"].find((text) => digestOf(text) === digest),
    async follow({ version, triedFor }, text) {
      followed.push(`${version} ${text} ${triedFor ?? "runs"}`);
      return "done";
    },
  });
  const body = (directive: ConfigDirective): string => JSON.stringify(directive);
  const settled = async (): Promise<void> => {
    for (let at = 0; at < 10; at++) await turn();
  };
  reconciler.applied(body(ONE));
  await settled();
  reconciler.applied(body({ ...ONE, candidate: CANDIDATE }));
  await settled();
  reconciler.expired(body({ ...ONE, candidate: CANDIDATE }));
  await settled();
  reconciler.applied(body({ ...ONE, candidate: CANDIDATE }));
  await settled();
  reconciler.applied(body(TWO));
  await settled();
  reconciler.applied(body(TWO));
  await settled();
  assert.deepEqual(followed, ["1 one runs", "2 two 1", "1 one runs", "2 two 1", "2 two runs"]);
});
