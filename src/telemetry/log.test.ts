import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { Secret } from "../core/secret.ts";
import { createLog, type LogOptions, type RootLog } from "./log.ts";

function record(options: Partial<LogOptions> = {}): { log: RootLog; lines: string[]; clock: ManualClock } {
  const clock = new ManualClock(1_767_323_045_678) /* 2026-01-02T03:04:05.678Z */;
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  return { log: createLog({ clock, write, level: "info", format: "json", colour: false, ...options }), lines, clock };
}

test("json: one line with time, level, msg and the fields; children add their own", () => {
  const { log, lines } = record();
  log.child({ pool: "p" }).info("target ejected", { target: "a", failures: 5 });
  assert.deepEqual(lines, [
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"target ejected","pool":"p","target":"a","failures":5}\n',
  ]);
});

test("text: readable, one line whatever the fields hold, coloured only when asked", () => {
  const { log, lines } = record({ format: "text" });
  log.warn("target ejected", { target: "a", reason: 'five "failures"\nin a row', nothing: undefined });
  assert.deepEqual(lines, ['03:04:05.678 WARN  target ejected target=a reason="five \\"failures\\"\\nin a row"\n']);
  const coloured = record({ format: "text", colour: true });
  coloured.log.error("x", { escape: "\u001B[31m\u009B" });
  assert.ok(coloured.lines[0]?.startsWith("\u001B[2m"));
  assert.ok(
    coloured.lines[0]?.includes(String.raw`"\u001b[31m\u009b"`),
    "control characters of fields are not let through",
  );
});

test("the level can be changed while it runs, for children too", () => {
  const { log, lines } = record();
  const child = log.child({});
  child.debug("no");
  log.level = "debug";
  child.debug("yes");
  log.level = "error";
  child.warn("no");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ["yes"],
  );
});

test("a field cannot take the place of time, level or msg", () => {
  const { log, lines } = record();
  log.info("real", { msg: "forged", level: "error" });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    msg: "real",
    msg_: "forged",
    level_: "error",
  });
});

const secrets: [string, Record<string, unknown>][] = [
  ["a header", { headers: { Authorization: "Bearer s3cret" } }],
  ["a token in a list", { tokens: [{ role: "admin", value: "s3cret" }] }],
  ["a key with a dash", { "x-api-key": "s3cret" }],
  ["a password in an object in an object", { a: { b: { db_password: "s3cret" } } }],
  ["a URL with a password", { endpoint: "https://me:s3cret@example.com/path" }],
  ["a URL with a key", { said: "see https://example.com/a?b=c&api_key=s3cret&d=e" }],
  ["a key behind two question marks", { said: "/a??key=s3cret" }],
  ["a key that is not in a URL", { said: "denied: api_key=s3cret is unknown" }],
  ["a name that begins otherwise", { said: "(x_access_token=s3cret)" }],
  ["a name behind a colon", { said: "HTTP 401: password: s3cret" }],
  ["a password that is a word of ours", { said: "password=s3cret; token=unknown" }],
  ["JSON in a text", { said: 'HTTP 400: {"token" : "s3cret with spaces", "code": 7}' }],
  ["JSON in JSON", { said: String.raw`"{\"client_secret\":\"s3cret\",\"code\":7}"` }],
  ["a value in quotes that are inside it", { said: String.raw`secret="a\"s3cret"` }],
  ["a bearer's token", { said: "no such tenant: Bearer s3cret" }],
  ["a bearer's token, so called", { said: "bearer token s3cret is not known" }],
  ["a header that was sent", { said: "Authorization: Basic s3cret=, x-other: 1" }],
  ["cookies", { said: "Set-Cookie: a=b; sid=s3cret; Path=/" }],
  ["a Secret under any name", { value: new Secret("s3cret") }],
  ["an error that tells the URL", { error: new Error("connect to http://me:s3cret@example.com failed") }],
];
for (const [name, fields] of secrets) {
  test(`redacted: ${name}`, () => {
    for (const format of ["json", "text"] as const) {
      const { log, lines } = record({ format });
      log.error("x", fields);
      assert.ok(lines.join("").includes("[redacted]"), lines[0]);
      assert.ok(!lines.join("").includes("s3cret"), lines[0]);
    }
  });
}

test("what is said of secrets is told, and so is what stands beside them", () => {
  const words = [
    "HTTP 401: invalid token: expired, ask for another",
    "Bearer token is missing",
    "basic authentication required",
    "Authorization: header not found",
    "key=service.name is not an attribute; signal=traces",
    "unexpected token } in JSON at position 4",
  ];
  for (const said of words) {
    const { log, lines } = record();
    log.error("x", { said });
    assert.equal(JSON.parse(lines[0] ?? "").said, said);
  }
  const { log, lines } = record();
  log.error("x", { said: "user=me; token=s3cret; tenant=t: over quota" });
  assert.equal(JSON.parse(lines[0] ?? "").said, "user=me; token=[redacted]; tenant=t: over quota");
});

const HOSTILE = [
  "?".repeat(2_048) + "key".repeat(682), // took 2.3 s when a name could have a question mark in it
  "token".repeat(819),
  "token-".repeat(682),
  `token${" ".repeat(4_000)}`,
  `token: ${"bearer ".repeat(500)}`,
  "cookie:".repeat(585),
  `token="${"\\".repeat(4_000)}`,
  `token=\\"${"'".repeat(4_000)}`,
  "a.".repeat(2_048),
  "a://".repeat(1_024),
  "bearer token ".repeat(300),
];
test("what is redacted is found in one walk, whatever a peer has written", () => {
  for (const said of HOSTILE) {
    const { log } = record();
    const { user } = process.cpuUsage();
    log.error("x", { said });
    const spent = process.cpuUsage().user - user;
    assert.ok(spent < 500_000, `${spent} us of the processor for 4 KiB: ${said.slice(0, 20)}`);
  }
});

test("a line is bounded and always JSON, whatever the fields are", () => {
  const circle: Record<string, unknown> = {
    big: 10n,
    not: Number.NaN,
    f: () => 1,
    bytes: new Uint8Array(9),
    map: new Map([["k", 1]]),
  };
  circle["self"] = circle;
  const { log, lines } = record();
  log.info("x", { circle, long: "y".repeat(100_000), wide: Array.from({ length: 10_000 }, (_, i) => i) });
  const line: { circle: Record<string, unknown>; wide: unknown[] } = JSON.parse(lines[0] ?? "");
  assert.ok((lines[0] ?? "").length < 20_000);
  assert.equal(line.wide.length, 100);
  assert.deepEqual(
    [line.circle["big"], line.circle["not"], line.circle["bytes"], line.circle["map"]],
    ["10", "NaN", "[9 bytes]", { k: 1 }],
  );
});

test("limited: once in its time for each key, then with the number that was kept back", () => {
  const { log, lines, clock } = record();
  for (let i = 0; i < 5; i++) log.limited("a", 1_000)?.warn("again");
  log.limited("b", 1_000)?.warn("other");
  clock.advance(1_000);
  log.limited("a", 1_000)?.warn("again");
  const told: { msg: string; suppressed?: number }[] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    told.map(({ msg, suppressed }) => [msg, suppressed]),
    [
      ["again", undefined],
      ["other", undefined],
      ["again", 4],
    ],
  );
});

test("limited: remembers a bounded number of keys", () => {
  const { log, lines } = record();
  for (let i = 0; i < 3_000; i++) log.limited(`key ${i}`, 1_000)?.info("x");
  log.limited("key 0", 1_000)?.info("forgotten, so it is told again");
  log.limited("key 2999", 1_000)?.info("remembered");
  assert.equal(lines.length, 3_001);
});
