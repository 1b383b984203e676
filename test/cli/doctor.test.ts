import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { targetFindings } from "../../src/cli/coordination/target-findings.ts";
import { systemClock } from "../../src/core/clock.ts";
import { isoTime } from "../../src/core/iso-time.ts";
import { CIRCLE_MESSAGE } from "../../src/plan/hops.ts";
import { LEFT_OUT_MESSAGE } from "../../src/plan/members.ts";
import { openFleetMemory } from "../../src/store/recipes/fleet-memory.ts";
import { nodeFolder } from "./node-folder.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";

test("doctor says of an embedded store that all is well, and fails for a fleet that is not the node's", async () => {
  const node = nodeFolder();
  assert.equal((await node.run("doctor")).code, 5);
  await node.run("fleet init --id blue");
  const well = await node.run("doctor");
  assert.equal(well.code, 0, well.out + well.err);
  assert.match(
    well.out,
    /^reach +ok +embedded SQLite .*\n[^]*lease +ok [^]*embedded at \/signalbox: 0 failed, \d+ warnings?\n$/u,
  );
  const memory = await openFleetMemory(join(node.dataDir, "fleet.json"));
  await memory.check({
    kind: "found",
    identity: { id: "green", generation: 1, minEpoch: { generation: 1, revision: 0n } },
  });
  const sick = await node.run("doctor -o json");
  assert.equal(sick.code, 1);
  const { findings } = JSON.parse(sick.out) as { findings: Record<string, unknown>[] };
  const [failed] = findings.filter(({ status }) => status === "failed");
  assert.equal(failed?.["check"], "identity");
  assert.match(String(failed["hint"]), /fleet adopt/u);
});

test("doctor asks a node, where one is named, whether controllers see the same members", async () => {
  const node = nodeFolder();
  await node.run("fleet init --id blue");
  const ask = async (topology: unknown): Promise<readonly Record<string, unknown>[]> => {
    await using admin = await ScriptedAdmin.open({ body: topology });
    const ran = await node.run(`doctor -o json --token secret --url ${admin.url}`);
    assert.equal(ran.code, 0, "nothing of it has failed");
    assert.deepEqual(
      admin.seen.map(({ line, headers }) => [line, headers.authorization]),
      ["topology?limit=1", "targets", "events?kind=config%2Cmember", "sampling"].map((path) => [
        `GET /api/v1/${path}`,
        "Bearer secret",
      ]),
    );
    const { findings } = JSON.parse(ran.out) as { findings: Record<string, unknown>[] };
    assert.deepEqual([findings.at(-1)?.["check"], findings.at(-1)?.["status"]], ["targets", "ok"]);
    return findings.slice(findings.findLastIndex(({ check }) => check === "clock") + 1, -1);
  };
  const regions = [{ id: "eu", stale: false, collectors: [] }];
  const [agreed] = await ask({ regions, split: [], stale: false });
  assert.equal(agreed?.["status"], "ok");
  const views = [
    { digest: "aa", controllers: ["n1", "n2"], only_here: ["c7"] },
    { digest: "bb", controllers: ["n3"], only_here: [] },
  ];
  const [split, stale] = await ask({
    regions: [...regions, { id: "us", stale: true, collectors: [] }],
    split: [{ scope: "eu", views }],
    stale: true,
  });
  assert.deepEqual([split?.["status"], stale?.["status"]], ["warning", "warning"]);
  assert.equal(split?.["message"], "controllers do not see the same members of eu: n1,n2 (aa, alone c7); n3 (bb)");
  assert.match(String(split["hint"]), /look at their logs/u);
  assert.match(String(stale?.["message"]), /anything new of us: what is shown is of the past/u);
});

test("doctor says which targets of a node find nobody, since when, who is not sent to, and what goes in a circle", async () => {
  const ask = async (body: unknown): Promise<readonly string[]> => {
    await using admin = await ScriptedAdmin.open({ body });
    const options = { url: admin.url, token: undefined, ca: undefined, timeoutMs: 30_000 };
    const found = await targetFindings(options, { clock: systemClock });
    return found.map(({ status, message }) => `${status} ${message}`);
  };
  const members = { endpoint: "http://collectors.invalid", state: "down", addresses: [] };
  const since = isoTime(systemClock.wallMs() - 3_600_000);
  const found = await ask([
    { ...members, id: "to-gateways", reason: "no_members", since },
    { ...members, id: "itself", reason: "is_itself", since },
    { id: "dns:a.test:1", endpoint: "http://a.test:1", state: "ejected", reason: "connect", addresses: [], since },
    { id: "dns:b.test:1", endpoint: "http://b.test:1", state: "ready", reason: "start", addresses: [], since },
    { id: "main", endpoint: "http://c.test:1", state: "ejected", reason: "connect", addresses: [], since },
  ]);
  assert.deepEqual(found, [
    "warning target to-gateways finds nobody (no_members), for 1h",
    "warning target dns:a.test:1 finds nobody (connect), for 1h",
  ]);
  const circle = { kind: "config", msg: CIRCLE_MESSAGE, circle: "a > b > a", time: since, hint: "tags" };
  const round = await ask({ events: [circle, circle, { kind: "config", msg: "other" }] });
  assert.deepEqual(round, ["warning requests go in a circle: a > b > a (told 1h ago)"]);
  const reason = "only its own host reaches its address";
  const left = { kind: "member", msg: LEFT_OUT_MESSAGE, member: "gw-1", address: "127.0.0.1:4317", reason, hint: "" };
  assert.deepEqual(await ask({ events: [left, left] }), [`warning gw-1 at 127.0.0.1:4317 is not sent to: ${reason}`]);
});

test("doctor names services whose trace ids are not random, with the evidence and what to do; else says how many are", async () => {
  const node = nodeFolder();
  await node.run("fleet init --id blue");
  const numbers = { seen: 4_100, chi_square: 38_211.5, distance: 0.55, largest_bucket: 0, largest_share: 0.61 };
  const ask = async (randomness: readonly unknown[], strategies: readonly unknown[] = []): Promise<string> => {
    await using admin = await ScriptedAdmin.open({ body: { regions: [], split: [], randomness, strategies } });
    const ran = await node.run(`doctor --url ${admin.url}`);
    assert.equal(ran.code, 0, ran.err);
    return ran.out.replaceAll(/\s+/gu, " ");
  };
  const skewed = { service: "cart", verdict: "skewed", ...numbers };
  const even = { service: "ship", verdict: "uniform", ...numbers };
  const told = await ask([skewed, even, { service: "new", verdict: "unknown", ...numbers }]);
  assert.match(
    told,
    /randomness warning trace ids of cart are not random at their end \(of 4100 that were looked at 61 % of them are in the 1st sixteenth of all values, chi-square 38211\.5\): rates do not hold for it set global\.sampling\.randomness: hash/u,
  );
  assert.doesNotMatch(told, /of ship|of new/u);
  assert.match(await ask([even]), /randomness ok trace ids of 1 service that the node looked at are random/u);
  assert.doesNotMatch(await ask([]), /randomness|sampling/u);
  const missed = await ask(
    [],
    [
      { strategy: "adaptive", state: "over_target", reason: "too much is protected" },
      { strategy: "cost_based", state: "bound_by_ceilings", reason: "rates drop the rest" },
      { strategy: "adaptive-2", state: "on_target", reason: "fine" },
    ],
  );
  assert.match(missed, /sampling warning adaptive is over_target: too much is protected/u);
  assert.match(missed, /sampling ok cost_based is bound_by_ceilings: rates drop the rest/u);
  assert.doesNotMatch(missed, /adaptive-2/u);
});

test("doctor: a node that does not answer is a warning of its own, with what to do", async () => {
  const node = nodeFolder();
  await node.run("fleet init --id blue");
  const ran = await node.run("doctor --url http://127.0.0.1:1");
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /views +warning +the node at http:\/\/127\.0\.0\.1:1 tells\s+nothing/u);
  assert.match((await node.run("doctor --url ftp://a")).err, /--url takes an address/u);
});
