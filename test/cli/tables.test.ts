import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { isGroup } from "../../src/cli/command.ts";
import { runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";
import { at, CLOCK, PIPE, tableOf } from "./table-of.ts";

const TARGETS = [
  {
    id: "backend-1",
    state: "ready",
    reason: "start",
    since: at(-200),
    next_try: null,
    in_flight: 3,
    latency_ms: 4.26,
    error_rate: 0,
  },
  {
    id: "backend-2",
    state: "ejected",
    reason: "consecutive_failures",
    since: at(-5),
    next_try: at(25),
    in_flight: 0,
    latency_ms: 1234.5,
    error_rate: 0.034,
  },
  {
    id: "vault",
    state: "drain",
    reason: "operator",
    note: "new disk\nfor the archive",
    since: at(-7_300),
    next_try: null,
    until: at(600),
    in_flight: 0,
    latency_ms: null,
    error_rate: 0.5,
  },
];

test("targets list: ages, not times, in 80 columns", async () => {
  assert.equal(
    await tableOf(["targets", "list"], TARGETS),
    `ID         STATE    REASON               SINCE  NEXT  IN FLIGHT  LATENCY  ERRORS
backend-1  ready    start                3m20s                3      4.3      0%
backend-2  ejected  consecutive_            5s   25s          0     1235    3.4%
                    failures
vault      drain    operator: new disk    2h1m   10m          0              50%
                    for the archive
`,
  );
});

test("targets list: who is paused says until when and why, and who refuses a signal says which, in its own words", async () => {
  const [works] = TARGETS;
  const paused = { until: at(42), reason: "throttled", said: "quota" };
  const refuses = [{ signal: "logs", since: at(-9), next_try: at(21), said: "HTTP 404" }];
  const out = await tableOf(["targets", "list"], [{ ...works, paused, next_try: at(42), refuses }], 120);
  assert.match(out, /backend-1 {2}paused +throttled: quota; takes no logs: HTTP 404 +3m20s +42s/u);
});

test("a table that is too wide goes on below in long texts, never in ids, and loses nothing", async () => {
  const id = "a".repeat(40);
  const note = "moved to the other room, back on Monday";
  const wide = [{ ...TARGETS[2], id, note }];
  const out = await tableOf(["targets", "list"], wide);
  assert.ok(out.includes(id));
  const reason = out
    .split("\n")
    .slice(1)
    .map((line) => line.slice(49, 65).trim());
  assert.equal(reason.join(" ").trim(), `operator: ${note}`);
  assert.ok((await tableOf(["targets", "list"], wide, 160)).includes(note));
});

test("a table that no terminal shows has each row in one line, however long", async () => {
  const wide = [{ ...TARGETS[2], note: "x ".repeat(200).trim() }, TARGETS[0]];
  const rows = (await tableOf(["targets", "list"], wide, PIPE)).trimEnd().split("\n");
  assert.equal(rows.length, 3);
  assert.ok(rows[1]?.includes("x ".repeat(200)));
});

test("rules list", async () => {
  const rules = [
    {
      id: "errors",
      priority: "high",
      signals: ["traces", "logs"],
      mode: "copy",
      conditions: [{ span_status: "error" }],
      pool: "errors",
    },
    {
      id: "pay",
      conditions: [{ service_name: "pay*", region: { in: ["a", "b"] } }, { span_kind: ["server"] }],
      targets: ["a"],
    },
  ];
  assert.equal(
    await tableOf(["rules", "list"], rules, 120),
    `ID      PRIORITY  SIGNALS      MODE   POOL       CONDITIONS
errors  high      traces,logs  copy   errors     span_status: error
pay     normal    all          first  (its own)  service_name: pay*, region: {"in":["a","b"]}; span_kind: server
`,
  );
});

test("regions list", async () => {
  const regions = [
    {
      id: "eu",
      sampling_rate: 0.1,
      routing_preference: ["eu", "b"],
      buffer_size: 10_000,
      retry: { initial: "1s", max: "10s" },
    },
    { id: "us" },
  ];
  assert.equal(
    await tableOf(["regions", "list"], regions, 120),
    `ID  SAMPLING RATE  BUFFER  BATCH  RETRY                  PREFERENCE
eu            0.1   10000         initial: 1s, max: 10s  eu,b
us
`,
  );
});

test("pools list", async () => {
  const pools = [
    {
      name: "p",
      strategy: "failover",
      targets: ["a", "b", "c"],
      fallback: "q",
      queued_bytes: 3_500_000,
      queued_items: 12,
      in_flight: 1,
      usable: 2,
    },
    { name: "q", strategy: "latency", targets: [], queued_bytes: 0, queued_items: 0, in_flight: 0, usable: 0 },
  ];
  assert.equal(
    await tableOf(["pools", "list"], pools),
    `NAME  STRATEGY  USABLE  QUEUED  BYTES  IN FLIGHT  FALLBACK  TARGETS
p     failover  2 of 3      12   3MiB          1  q         a,b,c
q     latency   0 of 0       0     0B          0
`,
  );
});

test("config history", async () => {
  const versions = [
    {
      version: 12,
      digest: "0123456789abcdef",
      applied: at(-90_000),
      by: "api",
      author: "ann@laptop",
      summary: "rules.pay added",
      state: "published",
    },
  ];
  assert.equal(
    await tableOf(["config", "history"], versions),
    `VERSION   AGE  STATE      BY   WHO         DIGEST        SUMMARY
     12  1d1h  published  api  ann@laptop  0123456789ab  rules.pay added
`,
  );
});

const parts = COMMANDS.flatMap((command) => (isGroup(command) ? [command, ...command.commands] : [command]));
for (const { name, summary } of parts) {
  test(`signalbox ${name} --help: what it does, on stdout`, async () => {
    const help = await runCli([...name.split(" "), "--help"]);
    assert.deepEqual([help.code, help.err], [0, ""]);
    assert.ok(help.out.startsWith(`${summary}\n\nUsage:`), help.out);
    assert.deepEqual(await runCli(["help", ...name.split(" ")]), help);
  });
}

test("targets list: the addresses behind the name of a target stand below it", async () => {
  const one = {
    state: "ready",
    reason: "start",
    since: at(-5),
    next_try: null,
    in_flight: 0,
    latency_ms: 1,
    error_rate: 0,
  };
  const addresses = [
    { ...one, address: "10.0.0.1" },
    { ...one, address: "10.0.0.2", state: "down", reason: "check_failed" },
  ];
  const table = await tableOf(["targets", "list"], [{ ...one, id: "tempo", addresses }]);
  const rows = table.trimEnd().split("\n");
  assert.deepEqual(
    rows.map((row) => row.split(/\s{2,}/u).slice(0, row.startsWith(" ") ? 3 : 2)),
    [
      ["ID", "STATE"],
      ["tempo", "ready"],
      ["", "10.0.0.1", "ready"],
      ["", "10.0.0.2", "down"],
    ],
  );
});

const GROUP = { attempted: 30_000, failed: 1_500, failure_ratio: 0.05 };

test("config rollout: what is tried, by whom, its nodes and its windows", async () => {
  const body = {
    state: "rolled_back",
    version: 9,
    base: 7,
    stage: "node",
    since: at(-75),
    by: "ann",
    note: "faster",
    reason: "5.00 % of the items fail where it runs, and 0.10 % elsewhere at the same time",
    lost: 1,
    left: 2,
    nodes: [{ id: "n1", version: 7, result: "running", reason: "" }],
    windows: [
      { at: at(-10), stage: "node", verdict: "over", canary: GROUP, control: { ...GROUP, failure_ratio: 0.001 } },
    ],
  };
  assert.equal(
    await tableOf(["config", "rollout"], body),
    `version 9: rolled_back
stage node, begun 1m15s ago; gone back to version 7
by ann: faster
1 node lost, 2 nodes stopped in good order
5.00 % of the items fail where it runs, and 0.10 % elsewhere at the same time

NODE  VERSION  RESULT   REASON
n1          7  running

AGE  STAGE  ITEMS  FAILED  OTHERS  FAILED  VERDICT
10s  node   30000  5.00 %   30000  0.10 %  over
`,
  );
  assert.equal(await tableOf(["config", "rollout", "status"], { state: "none" }), "no config was ever staged\n");
  const short = { ...body, reason: "", note: "", lost: 0, left: 0, nodes: [], windows: [] };
  for (const [more, want] of [
    [{ state: "running" }, "; others run version 7\nby ann\n"],
    [
      { state: "paused", paused_by: "bob", paused_at: at(-5) },
      "; others run version 7\nby ann\npaused by bob, 5s ago\n",
    ],
    [{ state: "done" }, "; all run version 9\nby ann\n"],
    [{ state: "superseded" }, "; all run another version\nby ann\n"],
    [{ state: "aborted" }, "; gone back to version 7\nby ann\n"],
  ] as const) {
    const text = await tableOf(["config", "rollout"], { ...short, ...more });
    assert.ok(text.endsWith(want), text);
  }
});

test("config rollout: what is asked of it is a call, and anything else is a mistake", async () => {
  await using admin = await ScriptedAdmin.open({ body: { state: "none" } });
  for (const what of ["pause", "resume", "abort"]) {
    const { code } = await runCli(["config", "rollout", what, "--by", "bob", "--url", admin.url], { clock: CLOCK });
    assert.equal(code, 0);
  }
  assert.deepEqual(
    admin.seen.map(({ line, body }) => `${line} ${body}`),
    ["pause", "resume", "abort"].map((what) => `POST /api/v1/config/rollout/${what} {"by":"bob"}`),
  );
  const { code, err } = await runCli(["config", "rollout", "undo", "--url", admin.url], { clock: CLOCK });
  assert.equal(code, 2);
  assert.match(err, /config rollout takes status, pause, resume, abort/u);
});
