import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after as afterAll, test } from "node:test";
import { parse } from "yaml";
import { hideValuesOf } from "../../config/taint.ts";
import { systemClock } from "../../core/clock.ts";
import { openDocumentService } from "./document-service.ts";
import { loadDocument } from "./prepare.ts";
import { warmUpChange } from "./warm-up.ts";

const here = openDocumentService({ clock: systemClock, aside: Number.MAX_SAFE_INTEGER, sent: "by_length" });
const aside = openDocumentService({ clock: systemClock, aside: -1 });
afterAll(() => aside[Symbol.asyncDispose]());
const folder = new URL("../../../examples/", import.meta.url).pathname;
const place = { name: "x.yaml", folder, env: { INGEST_TOKEN: "ingest-secret" } };

for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
  test(`document service: ${name} read aside is what it is when read here, secrets too`, async () => {
    const text = readFileSync(folder + name, "utf8");
    const [near, far] = [
      await here.prepareText(text, { running: "a: 1", follow: "all" }, place),
      await aside.prepareText(text, { running: "a: 1", follow: "all" }, place),
    ];
    assert.deepEqual(far, near);
    const first = await aside.prepareFirst(text, place);
    assert.deepEqual(first, { ...near, changed: [] }, "the document that a node starts with, too");
    const told = [near, far, first].map(({ config }) => config && hideValuesOf(config)("connect ingest-secret"));
    assert.deepEqual(told.slice(1), [told[0], told[0]], "what is beside the config comes along");
    const reveal = JSON.stringify(
      near.config?.targets.map(({ headers }) => Object.values(headers).map((secret) => secret.reveal())),
    );
    assert.equal(
      JSON.stringify(far.config?.targets.map(({ headers }) => Object.values(headers).map((secret) => secret.reveal()))),
      reveal,
    );
  });
}

const RUNNING = `targets:
  - id: a # first
    endpoint: http://a:1
    headers: { k: hunter2 }
rules: []
default_pool: { targets: [a] }
`;

const beside = { running: RUNNING, follow: "allowed" } as const;

test("document service: an edit made aside is the same as here", async () => {
  const edit = {
    kind: "put",
    section: "targets",
    id: "a",
    value: { id: "a", endpoint: "http://b:1", headers: { k: "[redacted]" } },
  } as const;
  const [near, far] = [await here.prepareEdit(edit, beside, place), await aside.prepareEdit(edit, beside, place)];
  assert.deepEqual(far, near);
  assert.ok(near.kind === "prepared");
  assert.equal(near.prepared.text, RUNNING.replace("http://a:1", "http://b:1"));
  assert.deepEqual(near.prepared.changed, ["targets.a.endpoint"]);
  assert.equal(near.prepared.config?.targets[0]?.headers["k"]?.reveal(), "hunter2");
});

test("document service: what cannot be done aside is a fault of the caller's, not of the process", async () => {
  await assert.rejects(aside.rootOf(42 as never), TypeError);
});

test("document service: an edit that makes the config wrong tells its problems by path, without places in a text that nobody wrote", async () => {
  const made = await here.prepareEdit(
    { kind: "add", section: "rules", id: "r", value: { id: "r", pool: "q" } },
    beside,
    place,
  );
  assert.ok(made.kind === "prepared");
  assert.equal(made.prepared.config, undefined);
  assert.deepEqual(
    made.prepared.problems.map(({ path, file }) => [path, file]),
    [["rules[0].pool", undefined]],
  );
});

test("document service: what is to be told of an edit is in the order of the document", async () => {
  const rule = (...conditions: readonly object[]): object => ({ id: "r", conditions, pool: "p" });
  const text = (of: object): string => `targets: [{ id: t, endpoint: "http://t:1" }]
rules: [${JSON.stringify(of)}]
pools: { p: { targets: [t] }, z: { targets: [t] } }
default_pool: p
`;
  const [before, after] = [rule({ service_name: "a" }), rule({ service_name: "a" }, { service_name: "a" })];
  const edit = { kind: "put", section: "rules", id: "r", value: { ...after } } as const;
  const made = await here.prepareEdit(edit, { running: text(before), follow: "allowed" }, place);
  assert.ok(made.kind === "prepared");
  const { problems } = await here.prepareText(text(after), { running: text(after), follow: "all" }, place);
  const paths = problems.map(({ path }) => path);
  assert.deepEqual(paths, ["rules[0].conditions[1].service_name", "pools.z"]);
  assert.deepEqual(
    [made.prepared.problems.map(({ path }) => path), made.prepared.problems[0]?.position],
    [paths, undefined],
  );
});

test("document service: a redacted value where no secret is yet is a problem", async () => {
  const value = { id: "b", endpoint: "http://b:1", headers: { k: "[redacted]" } };
  const made = await here.prepareEdit({ kind: "add", section: "targets", id: "b", value }, beside, place);
  assert.ok(made.kind === "prepared");
  assert.deepEqual([made.prepared.config, made.prepared.problems[0]?.path], [undefined, "targets[1].headers.k"]);
});

const JSON_TEXT = '{ "targets": [{ "id": "b", "endpoint": "http://b:1" }] }';
const wanted: { name: string; running: string; text: string; type: "yaml" | "json"; want: string | RegExp }[] = [
  {
    name: "YAML over YAML is taken as it is",
    running: RUNNING,
    text: "# new\ntargets: [{ id: b, endpoint: http://b:1 }]\n",
    type: "yaml",
    want: "# new\ntargets: [{ id: b, endpoint: http://b:1 }]\n",
  },
  {
    name: "JSON over YAML keeps the comments of what stays",
    running: RUNNING,
    text: JSON_TEXT.replaceAll('"b"', '"a"'),
    type: "json",
    want: "targets:\n  - id: a # first\n    endpoint: http://b:1\n",
  },
  {
    name: "YAML over JSON stays JSON",
    running: '{"targets":[]}',
    text: "targets: [{ id: b, endpoint: http://b:1 }]",
    type: "yaml",
    want: '{"targets":[{"id":"b","endpoint":"http://b:1"}]}',
  },
  {
    name: "redacted secrets stay",
    running: RUNNING,
    text: RUNNING.replace("hunter2", '"[redacted]"').replace("a:1", "z:1"),
    type: "yaml",
    want: RUNNING.replace("a:1", "z:1"),
  },
];
for (const { name, running, text, type, want } of wanted) {
  test(`document service: a whole document: ${name}`, async () => {
    const made = await here.prepareWanted({ text, type }, { running, follow: "allowed" }, place);
    assert.ok(made.kind === "prepared");
    assert.equal(made.prepared.text, want);
    assert.ok(made.prepared.config !== undefined, JSON.stringify(made.prepared.problems));
  });
}

test("document service: problems of a whole document have their places in it", async () => {
  const broken = await here.prepareWanted({ text: "targets: [", type: "yaml" }, beside, place);
  assert.ok(broken.kind === "malformed");
  assert.deepEqual(broken.problems[0]?.position, { line: 1, column: 11 });
  const wrong = await here.prepareWanted({ text: "# x\ntargetz: []\n", type: "yaml" }, beside, place);
  assert.ok(wrong.kind === "prepared");
  const [problem] = wrong.prepared.problems;
  assert.deepEqual([problem?.file, problem?.position], [undefined, { line: 2, column: 1 }]);
});

test("document service: two documents compared: ids, paths and text, and no secret", async () => {
  const after = RUNNING.replace("http://a:1", "http://b:1")
    .replace("hunter2", "swordfish")
    .replace("rules: []", "rules: [{ id: r, targets: [a] }]");
  const diff = await here.compareDocuments({ name: "1", text: RUNNING }, { name: "2", text: after });
  const none = { added: [], removed: [], changed: [] };
  assert.deepEqual(
    [diff.rules, diff.pools, diff.targets],
    [{ ...none, added: ["r"] }, none, { ...none, changed: ["a"] }],
  );
  assert.deepEqual(
    diff.paths.map(({ path }) => path),
    ["targets.a.endpoint", "targets.a.headers.k", "rules.r"],
  );
  assert.match(diff.text, /^-    endpoint: http:\/\/a:1$/mu);
  assert.ok(!/hunter2|swordfish/u.test(JSON.stringify(diff)));
});

test("document service: loading gives what the config loader gives", () => {
  assert.equal(loadDocument("targets: [", place).config, undefined);
});

/** Long names, so that few rules make a document long. */
const serviceOf = (i: number): string => `${"x".repeat(200)}-s-${i}`;
const RULES = rulesOf(300);
const LONG = documentWith(RULES);

function rulesOf(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `  - id: r${i}\n    conditions: [{ service_name: ${serviceOf(i)} }]\n    pool: p\n`,
  );
}

function documentWith(rules: readonly string[]): string {
  return `targets: [{ id: a, endpoint: "http://a:1" }]\npools: { p: { targets: [a] } }\nrules:\n${rules.join("")}default_pool: p\n`;
}

test("document service: a change of one rule of a long document that was read here is made here, as it is made aside", async () => {
  await using node = openDocumentService({ clock: systemClock });
  const there = { running: LONG, follow: "allowed" } as const;
  for (const value of [{ conditions: [{ service_name: "other" }], pool: "p" }, { pool: "nobody" }]) {
    const edit = { kind: "put", section: "rules", id: "r7", value: { id: "r7", ...value } } as const;
    const first = (await node.prepareFirst(LONG, place)).config;
    const near = await node.prepareEdit(edit, there, place);
    loadDocument(LONG.replaceAll("s-", "t-"), place); // from here on that is the one that is known
    const far = await aside.prepareEdit(edit, there, place);
    assert.deepEqual(far, near);
    const [made, other] = [near, far].map((one) => (one.kind === "prepared" ? one.prepared.config : undefined));
    assert.ok(first !== undefined);
    assert.equal(made?.rules[8], made && first.rules[8], "the others are the same objects");
    assert.equal(other !== undefined && other.rules[8] === first.rules[8], false, "read by another process");
  }
});

test("document service: any rule of a long document is changed here, in JSON too; another section aside", async () => {
  const json = `${JSON.stringify(parse(LONG), undefined, 2)}\n`;
  const last = `r${RULES.length - 1}`;
  for (const running of [LONG, json]) {
    await using node = openDocumentService({ clock: systemClock });
    const there = { running, follow: "allowed" } as const;
    const added = { conditions: [{ service_name: "other" }], pool: "p" };
    const edits = [
      { kind: "put", section: "rules", id: "r0", value: { id: "r0", ...added } },
      { kind: "put", section: "rules", id: last, value: { id: last, ...added } },
      { kind: "add", section: "rules", id: "new", value: { id: "new", ...added }, before: "r0" },
      { kind: "remove", section: "rules", id: "r0" },
    ] as const;
    for (const edit of edits) {
      const first = await node.prepareFirst(running, place);
      const near = await node.prepareEdit(edit, there, place);
      assert.ok(near.kind === "prepared" && near.prepared.config !== undefined, JSON.stringify(near));
      const at = near.prepared.config.rules.findIndex(({ id }) => id === "r5");
      assert.equal(near.prepared.config.rules[at], first.config?.rules[5], "the others are the same objects");
      loadDocument(LONG.replaceAll("s-", "t-"), place); // from here on that is the one that is known
      assert.deepEqual(await aside.prepareEdit(edit, there, place), near, JSON.stringify(edit));
    }
    const first = await node.prepareFirst(running, place);
    const value = { id: "a", endpoint: "http://b:1" };
    const made = await node.prepareEdit({ kind: "put", section: "targets", id: "a", value }, there, place);
    assert.ok(made.kind === "prepared" && made.prepared.config !== undefined);
    assert.deepEqual(made.prepared.config.rules[5], first.config?.rules[5]);
    assert.notEqual(made.prepared.config.rules[5], first.config?.rules[5], "read by another process");
  }
});

test("document service: a rule of a long document may ask for a whole number beyond 2^53", async () => {
  await using node = openDocumentService({ clock: systemClock });
  await node.prepareFirst(LONG, place);
  const conditions = [{ resource: { key: "k", equals: 9_007_199_254_740_993n } }];
  const edit = { kind: "put", section: "rules", id: "r7", value: { id: "r7", conditions, pool: "p" } } as const;
  const made = await node.prepareEdit(edit, { running: LONG, follow: "allowed" }, place);
  assert.ok(made.kind === "prepared" && made.prepared.config !== undefined, JSON.stringify(made));
  assert.ok(made.prepared.text.includes("equals: 9007199254740993 }"));
});

test("document service: a long document with patterns is read here again only where no data waits", async () => {
  const text = LONG.replace(`${serviceOf(5)} }`, '"s-5*" }');
  const value = { id: "r7", conditions: [{ service_name: "other" }], pool: "p" };
  const edit = { kind: "put", section: "rules", id: "r7", value } as const;
  for (const unhurried of [true, false]) {
    await using node = openDocumentService({ clock: systemClock, unhurried });
    const first = await node.prepareFirst(text, place);
    const made = await node.prepareEdit(edit, { running: text, follow: "allowed" }, place);
    assert.ok(made.kind === "prepared" && made.prepared.config !== undefined && first.config !== undefined);
    assert.equal(made.prepared.config.rules[1] === first.config.rules[1], unhurried);
  }
});

test("document service: a rule with a short pattern is changed here only where no data waits, one with a count never", async () => {
  for (const [unhurried, regex, isHere] of [
    [true, "^(a|b)-[0-9]+$", true],
    [true, "^a{1000}$", false],
    [true, "a".repeat(1_100), false],
    [false, "^(a|b)-[0-9]+$", false],
  ] as const) {
    await using node = openDocumentService({ clock: systemClock, unhurried });
    const first = await node.prepareFirst(LONG, place);
    const value = { id: "r7", conditions: [{ service_name: { regex } }], pool: "p" };
    const edit = { kind: "put", section: "rules", id: "r7", value } as const;
    const made = await node.prepareEdit(edit, { running: LONG, follow: "allowed" }, place);
    assert.ok(made.kind === "prepared" && made.prepared.config !== undefined && first.config !== undefined);
    assert.equal(made.prepared.config.rules[1] === first.config.rules[1], isHere, regex.slice(0, 20));
  }
});

test("document service: a rule of a short document is changed here where no data waits and nothing is read from elsewhere", async () => {
  const rules = "rules: [{ id: r, conditions: [{ service_name: a }], pool: p }]";
  const text = `targets: [{ id: t, endpoint: "http://t:1" }]\npools: { p: { targets: [t] } }\n${rules}\ndefault_pool: p\n`;
  const foreign = text.replace("http://t:1", `\${env:NONE:-http://t:1}`);
  for (const [unhurried, running, asked, isHere] of [
    [true, text, "b", true],
    [true, foreign, "b", false],
    [true, text, `\${env:NONE:-b}`, false],
    [true, text, { regex: "^b{1000}$" }, false],
    [false, text, "b", false],
  ] as const) {
    await using node = openDocumentService({ clock: systemClock, unhurried });
    const value = { id: "r", conditions: [{ service_name: asked }], pool: "p" };
    // A function cannot be told a thread.
    const edit = { kind: "put", section: "rules", id: "r", value, probe: () => 0 } as const;
    const made = node.prepareEdit(edit, { running, follow: "allowed" }, place);
    if (!isHere) await assert.rejects(made, /could not be cloned/u);
    else assert.match(((await made) as { prepared: { text: string } }).prepared.text, /service_name: b /u);
  }
});

test("document service: what the first change of a long document needs is made at once, and changes nothing", async () => {
  let reads = 0;
  const counted = {
    ...place,
    get env() {
      reads++;
      return place.env;
    },
  };
  const many = documentWith(rulesOf(600)); // of which lists are remembered
  const [globs, regex] = ['"s-5*"', "{ regex: ^x }"].map((asked) => many.replace(`${serviceOf(5)} }`, `${asked} }`));
  for (const [name, text = "", unhurried, isMade] of [
    ["long", many, true, true],
    ["long, beside data", many, false, true],
    ["short", RUNNING, true, false],
    ["with globs", globs, true, true],
    ["with globs, beside data, where no change is made here", globs, false, false],
    ["with an expression", regex, true, false],
  ] as const) {
    const first = loadDocument(text, place).config;
    reads = 0;
    await using node = openDocumentService({ clock: systemClock, unhurried, running: { text, place: counted } });
    assert.equal(reads > 0, isMade, name);
    const again = await node.prepareText(text, { running: text, follow: "all" }, place);
    assert.ok(again.config !== undefined && first !== undefined, name);
    if (isMade) assert.ok(again.config.rules === first.rules, `${name}: they are the same list`);
    else assert.deepEqual(again.config.rules, first.rules, name);
  }
});

test("document service: a document of which no rule can be changed here is no fault of the node that starts with it", () => {
  const nameless = LONG.replaceAll(/id: r\d+\n {4}/gu, "");
  for (const text of [
    LONG.replace("s-5 }", "{ regex: ^x }"),
    nameless,
    LONG.replace(/rules:[^]*/u, "rules: []"),
    "a: [",
  ]) {
    loadDocument(text, place);
    assert.doesNotThrow(() => warmUpChange(text, place), text.slice(-50));
  }
});

test("document service: a long document that differs in a few rules is read ahead, and read after that as if it had not been", async () => {
  const text = LONG.replace(`${serviceOf(5)} `, '"other" ');
  const there = { running: LONG, follow: "all" } as const;
  await using node = openDocumentService({ clock: systemClock });
  await node.prepareFirst(LONG, place);
  const config = node.readAhead(text, there, place);
  assert.ok(config !== undefined);
  const near = await node.prepareText(text, there, place);
  assert.equal(near.config?.rules[5], config.rules[5], "it is made once");
  loadDocument(LONG.replaceAll("s-", "t-"), place); // from here on that is the one that is known
  assert.deepEqual(await aside.prepareText(text, there, place), near);
});

test("document service: what is short, what is torn, and what has patterns is not read ahead, and what follows is the same", async () => {
  const text = LONG.replace(`${serviceOf(5)} `, '"other" ');
  const there = { running: LONG, follow: "all" } as const;
  await using node = openDocumentService({ clock: systemClock, unhurried: true });
  await node.prepareFirst(LONG, place);
  const known = await node.prepareText(text, there, place);
  const others = [
    "",
    RUNNING,
    text.slice(0, text.length / 2),
    text.replace('"other"', '"o*"'),
    text.replace("[", "[["),
  ];
  for (const other of [...others, text.replace('"other" }', "{ regex: o } }"), LONG.replaceAll("s-", "t-")]) {
    assert.equal(node.readAhead(other, there, place), undefined, other.slice(0, 40));
    assert.deepEqual(await node.prepareText(text, there, place), known);
  }
  assert.equal(node.readAhead(text, { running: RUNNING, follow: "all" }, place), undefined);
});
