import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";
import { at, PIPE, tableOf } from "./table-of.ts";

const NODE = { gives_up: [], level: 0, reason: "", since: at(-60), until: null };
const fleetOf = (degraded: boolean, until?: string): unknown => ({
  degraded,
  target_rate: 0.01,
  reason: "ordered",
  since: at(-5),
  until,
});
const nodesOf = (...all: readonly (boolean | null | "stale")[]): unknown[] =>
  all.map((one, i) => {
    const isOn = one === "stale" ? true : one;
    const told = { level: i, reason: i === 0 ? "" : "queue 0.93", since: at(-9), fleet_degraded: isOn };
    return { id: `n${i}`, region: "eu", ...told, stale: one === "stale" };
  });

test("degrade get --fleet: what each node gives up", async () => {
  const body = { ...NODE, fleet: fleetOf(true), nodes: nodesOf(true, null, "stale"), left_out: 4 };
  assert.equal(
    await tableOf(["degrade", "get", "--fleet"], body),
    `OF     LEVEL  SINCE  UNTIL  REASON   GIVES UP
node   0         1m
fleet  on        5s         ordered  kept at 0.01, but for what is protected

NODE  REGION  LEVEL  SINCE  FLEET  STALE  REASON
n0    eu      0         9s  on
n1    eu      1         9s                queue 0.93
n2    eu      2         9s  on     stale  queue 0.93
and 4 nodes more
`,
  );
});

const ORDER = { degraded: true, until: at(600) };

test("degrade set --fleet: it waits until all nodes obey this order, and says when; else who does not yet", async () => {
  const before = { ...NODE, fleet: fleetOf(true, at(60)), left_out: 0, nodes: nodesOf(true, true) };
  const body = { ...before, fleet_order: ORDER };
  const taken = { ...before, fleet: fleetOf(true, at(600)) };
  const bodies = [body, before, { ...taken, nodes: [] }, { ...taken, nodes: nodesOf(false, true) }, taken];
  await using admin = await ScriptedAdmin.open({ bodies });
  const obeyed = await runCli(["degrade", "set", "on", "--fleet", "--note", "why", "--url", admin.url]);
  assert.equal(obeyed.code, 0, obeyed.err);
  assert.match(obeyed.out, /\nobeyed by all 2 nodes after \d[\d.]* s\n$/u);
  assert.deepEqual(
    admin.seen.map(({ line }) => line),
    ["PATCH /api/v1/degradation", ...Array.from({ length: 4 }, () => "GET /api/v1/degradation?fleet=true")],
    "an order before this one does not count, nor that nobody has reported",
  );
  const late = async (last: unknown, ...more: readonly string[]): Promise<string> => {
    await using some = await ScriptedAdmin.open({ bodies: [body, last] });
    return (await runCli(["degrade", "set", "on", "--fleet", "--wait", "1ms", "--url", some.url, ...more])).out;
  };
  const some = { ...taken, nodes: nodesOf(true, false, "stale"), left_out: 7 };
  const { obeyed: told } = JSON.parse(await late(some, "-o", "json")) as { obeyed: Record<string, unknown> };
  assert.deepEqual([told["by"], told["of"], told["not_yet"], told["left_out"]], [1, 3, ["n1", "n2"], 7]);
  assert.match(
    await late(some),
    /\nobeyed by 1 of 3 nodes after .* s; of 7 nodes more nobody was asked; not yet by n1/u,
  );
  assert.match(
    await late({ ...taken, left_out: 7 }),
    /\nobeyed by all 2 nodes that were looked at after .*; of 7 nodes/u,
  );
  assert.match(await late(before), /\nnot obeyed after .* s: no leader of the fleet has taken the order\n/u);
  assert.match(await late({ ...taken, nodes: [] }), /\nobeyed by nobody after .* s: no node has reported\n/u);
});

test("degrade set --fleet: where nobody waits, it says when what is shown is of before", async () => {
  await using none = await ScriptedAdmin.open({ body: { ...NODE, fleet: fleetOf(true), fleet_order: ORDER } });
  await using ended = await ScriptedAdmin.open({ body: { ...NODE, fleet: fleetOf(true), fleet_order: null } });
  for (const [{ url }, ...argv] of [
    [none, "on", "--wait", "0s"],
    [ended, "auto"],
  ] as const) {
    const { out } = await runCli(["degrade", "set", ...argv, "--fleet", "--url", url]);
    assert.doesNotMatch(out, /obeyed/u);
    assert.match(out, /\nthe order is written; its leader obeys within 5 s, and what is shown .* may be of before\n$/u);
  }
  assert.equal(none.seen.length + ended.seen.length, 2, "nobody is asked for what nobody waits for");
});

test("degrade set: what would mean nothing is refused", async () => {
  for (const [argv, why] of [
    [["--fleet"], /degrade set --fleet needs one of on, off, auto/u],
    [["on", "--fleet", "--wait", "1h"], /--wait takes a time up to 10m/u],
    [["auto", "--for", "3m"], /auto ends an order: --for would mean nothing/u],
    [["auto", "--fleet", "--wait", "5s", "--note", "x"], /auto ends an order: --note and --wait would mean nothing/u],
    [["3", "--wait", "5s"], /--wait is for --fleet: a node obeys at once/u],
  ] as const) {
    const { code, err } = await runCli(["degrade", "set", ...argv]);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, why);
  }
});

test("limits --fleet and sampling get --fleet: regions and nodes; who has trace ids that are not random", async () => {
  const part = { asked: 700, granted: 600, offered: 650, used: 600, shed: 9 };
  const nodes = [
    { id: "n1", region: "eu", part, stale: false },
    { id: "n2", region: "eu", part: null, stale: true },
  ];
  const limits = { limit: 1_000, asked: 700, granted: 600, offered: 650, used: 600, shed: 9, services: [] };
  const fleet = { regions: [{ region: "eu", collectors: 2, ...part }], nodes, left_out: 0 };
  assert.equal(
    await tableOf(["limits", "--fleet"], { ...limits, fleet }),
    `KEY           LIMIT  ASKED  GRANTED  OFFERED  USED  SHED
(everything)   1000    700      600      650   600     9

REGION  NODES  ASKED  GRANTED  OFFERED  USED  SHED
eu          2    700      600      650   600     9

NODE  REGION  ASKED  GRANTED  OFFERED  USED  SHED  STALE
n1    eu        700      600      650   600     9
n2    eu                                           stale
`,
  );
  const flow = { received_per_second: 90, kept_per_second: 9 };
  const row = { region: "eu", signal: "traces", class: "normal", probability: 0.1, reason: "budget", ...flow };
  const skewed = { service: "cart", verdict: "skewed", seen: 4_100, chi_square: 900, distance: 0.4, largest_bucket: 1 };
  const sampling = {
    stage: null,
    classes: [row],
    fleet: { regions: [row] },
    randomness: [{ ...skewed, largest_share: 0.5 }],
  };
  assert.equal(
    await tableOf(["sampling", "get", "--fleet"], sampling, PIPE),
    `rates are those of the config

SIGNAL  CLASS   REGION  RATE  WHY     RECEIVED/S  KEPT/S  DROPPED/S
traces  normal  eu       0.1  budget          90       9         81

REGION  SIGNAL  CLASS   RATE  WHY     RECEIVED/S  KEPT/S  DROPPED/S
eu      traces  normal   0.1  budget          90       9         81

trace ids of cart are not random at their end (of 4100 that were looked at 50 %
  of them are in the 2nd sixteenth of all values, chi-square 900): rates do not
  hold for it
`,
  );
  const tried = { received_by: "node", kept_per_second: 9, classes: [row] };
  assert.match(
    await tableOf(["sampling", "dry-run", "--target", "500", "--rate", "0.5"], tried),
    /\nto make it so: signalbox sampling set --target 500 --rate 0\.5\n$/u,
  );
});
