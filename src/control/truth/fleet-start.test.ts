import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Prepared } from "../document/prepare.ts";
import { startOfFleet } from "./fleet-start.ts";
import type { LastGoodFile } from "./last-good.ts";

async function start(read: Awaited<ReturnType<LastGoodFile["read"]>>): Promise<string> {
  const clock = new ManualClock();
  const trouble = { kind: "unreachable", reason: "no answer", hint: "" } as const;
  const { from } = await startOfFleet({
    inspect: async () => ({ kind: "trouble", trouble }),
    memory: { identity: { id: "f", generation: 1, minEpoch: { generation: 1, revision: 0n } } },
    lastGood: { read: async () => read, write: async () => undefined },
    prepare: async (text) => ({ text, config: {}, problems: [] }) as unknown as Prepared,
    bootstrap: "targets: []\n",
    clock,
    log: recordedLog(clock),
  });
  return from;
}

test("without the store, what a node's file has for the beginning is not run where the fleet's config is damaged", async () => {
  const good = { fleet: "f", version: 1, text: "targets: []\n", author: "", note: "" };
  assert.equal(await start({ good: undefined, damaged: undefined }), "bootstrap");
  assert.equal(await start({ good, damaged: undefined }), "disk");
  assert.equal(await start({ good: undefined, damaged: "it is torn" }), "nothing");
});
