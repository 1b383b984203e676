import assert from "node:assert/strict";
import { test } from "node:test";
import { isoTime } from "../../src/core/iso-time.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";

const CLOCK = new ManualClock();
const at = (secondsFromNow: number): string => isoTime(CLOCK.wallMs() + secondsFromNow * 1_000);

const PIPE = Number.POSITIVE_INFINITY;

/** `columns`: of a terminal; PIPE: it is read by a program. */
async function tableOf(argv: readonly string[], body: unknown, columns = 80): Promise<string> {
  await using admin = await ScriptedAdmin.open({ body });
  // The time limit of the call never passes on a clock that stands still.
  const terminal = columns === PIPE ? {} : { columns };
  const { code, out, err } = await runCli([...argv, "--url", admin.url], { clock: CLOCK, ...terminal });
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

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

test("degrade set --fleet: it waits until all nodes obey, and says when; else who does not yet", async () => {
  const body = { ...NODE, fleet: fleetOf(true), left_out: 0 };
  const all = { ...body, fleet: fleetOf(true, at(600)), nodes: nodesOf(true, true) };
  const bodies = [body, { ...body, nodes: nodesOf(false, true) }, all];
  await using admin = await ScriptedAdmin.open({ bodies });
  const obeyed = await runCli(["degrade", "set", "on", "--fleet", "--note", "why", "--url", admin.url]);
  assert.equal(obeyed.code, 0, obeyed.err);
  assert.match(obeyed.out, /\nobeyed by all 2 nodes after 0\.\d s\n$|\nobeyed by all 2 nodes after \d[\d.]* s\n$/u);
  assert.deepEqual(
    admin.seen.map(({ line }) => line),
    ["PATCH /api/v1/degradation", ...Array.from({ length: 2 }, () => "GET /api/v1/degradation?fleet=true")],
  );
  await using some = await ScriptedAdmin.open({ bodies: [body, { ...body, nodes: nodesOf(true, false, "stale") }] });
  const late = await runCli(["degrade", "set", "on", "--fleet", "--wait", "1ms", "--url", some.url, "-o", "json"]);
  const { obeyed: told } = JSON.parse(late.out) as { obeyed: Record<string, unknown> };
  assert.deepEqual([told["by"], told["of"], told["not_yet"]], [1, 3, ["n1", "n2"]]);
  await using none = await ScriptedAdmin.open({ body });
  for (const argv of [["on", "--wait", "0s"], ["auto"]]) {
    const { out } = await runCli(["degrade", "set", ...argv, "--fleet", "--url", none.url]);
    assert.doesNotMatch(out, /obeyed/u);
    assert.match(out, /\nthe order is written; its leader obeys within 5 s, and what is shown .* may be of before\n$/u);
  }
  assert.equal(none.seen.length, 2, "nobody is asked for what nobody waits for");
  assert.match((await runCli(["degrade", "set", "--fleet"])).err, /degrade set --fleet needs one of on, off, auto/u);
  assert.match(
    (await runCli(["degrade", "set", "on", "--fleet", "--wait", "1h"])).err,
    /--wait takes a time up to 10m/u,
  );
});

test("limits --fleet and sampling get --fleet: regions and nodes; who has trace ids that are not random", async () => {
  const part = { asked: 700, granted: 600, offered: 650, used: 600, shed: 9 };
  const nodes = [
    { id: "n1", region: "eu", part, stale: false },
    { id: "n2", region: "eu", part: null, stale: true },
  ];
  const limits = { limit: 1_000, granted: 600, offered: 650, used: 600, shed: 9, services: [] };
  const fleet = { regions: [{ region: "eu", collectors: 2, ...part }], nodes, left_out: 0 };
  assert.equal(
    await tableOf(["limits", "--fleet"], { ...limits, fleet }),
    `KEY           LIMIT  GRANTED  OFFERED  USED  SHED
(everything)   1000      600      650   600     9

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
