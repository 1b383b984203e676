import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { Controller } from "../../src/control/global/controller.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { watchCandidates } from "../../src/control/region/candidates.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { runCli } from "./run-cli.ts";

const { signal } = new AbortController();

function controllerOf(place: RecipePlace, id: string): Controller {
  return openController({
    place,
    controller: { id, address: `${id}:4321`, tls: false },
    region: "eu",
    generation: () => 1,
    reportIntervalMs: 5_000,
    summaryIntervalMs: 30_000,
    fetchBody: async () => undefined,
    log: recordedLog(systemClock),
  });
}

async function untilStanding(place: RecipePlace, id: string): Promise<void> {
  for await (const now of watchCandidates(place, "region.eu", signal)) {
    if (now?.leader !== undefined && now.standing.includes(id)) return;
  }
}

test("leader transfer: to the node that is named, with an exit code for each outcome", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-transfer-"));
  const [clock, random] = [systemClock, seededRandom(1)];
  const file = join(folder, "store.sqlite");
  try {
    await using store = await openStore({ kind: "embedded", file }, { clock, random, observer: UNOBSERVED });
    const place = { store, prefix: "/signalbox", clock, random };
    const run = (...words: string[]): ReturnType<typeof runCli> =>
      runCli(["leader", "transfer", ...words, "--store", "embedded", "--data-dir", folder], { cwd: folder });
    const nobody = await run("--scope", "region.eu");
    assert.deepEqual([nobody.code, nobody.out], [5, ""]);
    assert.match(nobody.err, /^signalbox: region\.eu: nobody leads there\n {2}nodes with the role controller/u);
    await using a = controllerOf(place, "a");
    await untilStanding(place, "a");
    await using b = controllerOf(place, "b");
    await untilStanding(place, "b");
    const unknown = await run("--scope", "region.eu", "--to", "x", "-o", "json");
    assert.equal(unknown.code, 5);
    const { kind, standing, error } = JSON.parse(unknown.out) as Record<string, Record<string, unknown>>;
    assert.deepEqual([kind, standing, error?.["code"]], ["no_candidate", ["b"], "NOT_FOUND"]);
    const done = await run("--scope", "region.eu", "--to", "b");
    assert.deepEqual([done.code, done.out, done.err], [0, "region.eu: b leads, and a no more\n", ""]);
    assert.equal(a.services.has("eu"), false);
    assert.equal(b.global, undefined, "of the fleet a is the leader as before");
    const again = await run("--scope", "region.eu", "--to", "b", "-o", "json");
    assert.deepEqual([again.code, JSON.parse(again.out)], [0, { scope: "region.eu", kind: "leads_already", id: "b" }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("leader transfer: 7 without a store, 2 for what is no election of a fleet", async () => {
  const away = ["leader", "transfer", "--store", "etcd", "--endpoint", "http://127.0.0.1:1", "--timeout", "200ms"];
  assert.equal((await runCli(away, {})).code, 7);
  const odd = await runCli(["leader", "transfer", "--scope", "job", "--store", "embedded", "--data-dir", "x"], {});
  assert.equal(odd.code, 2);
  assert.match(odd.err, /--scope takes global, or region\.<id>; got "job"/u);
  const help = await runCli(["help", "leader", "transfer"], {});
  assert.match(help.out, /signalbox leader transfer -c <file>/u);
});
