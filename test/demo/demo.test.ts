import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { BIN, DemoProcess } from "./demo-process.ts";

/** All in one file, because its tests run one after the other: the demo has standard ports. */
const FOLDER = mkdtempSync(join(tmpdir(), "signalbox-demo-"));
after(() => rmSync(FOLDER, { recursive: true }));

/** Node leaves what it compiled in the folder for temporary files, unless it is told where. */
const compiled = process.env["NODE_COMPILE_CACHE"];
const COMPILED: Readonly<Record<string, string>> =
  compiled === undefined ? { NODE_DISABLE_COMPILE_CACHE: "1" } : { NODE_COMPILE_CACHE: compiled };

function demo(...args: string[]): DemoProcess {
  // A folder of its own for temporary files too, so that what is left behind would be seen.
  return new DemoProcess(process.execPath, [BIN, "demo", ...args], {
    cwd: FOLDER,
    env: { PATH: "", TMPDIR: FOLDER, ...COMPILED },
  });
}

/** A number of the summary. */
function numberOf(out: string, name: string): number {
  const found = new RegExp(`^ +${name} +([\\d,]+)`, "mu").exec(out);
  assert.ok(found !== null, `no ${name} in:\n${out}`);
  return Number(found[1]?.replaceAll(",", ""));
}

test("demo: the short story, without a terminal", async () => {
  await using child = demo("--duration", "8s");
  const code = await child.ended();
  const { out } = child;
  assert.equal(child.err, "");
  assert.equal(code, 0, out);
  assert.ok(!out.includes(ESCAPE), "no escape codes where no terminal is");
  assert.match(out, /^signalbox demo: 7 services.*\nrouter listens: OTLP\/gRPC 127\.0\.0\.1:\d+, .*admin http:/mu);
  assert.match(out, /^0:\d\d {2}[\d,]+ items\/s: target-1 [\d,]+, .*delivered [\d,]+, ledger balanced$/mu);
  const story = [
    "target-1 stopped",
    "router: target-1 ejected",
    "payments now go to target-2",
    "target-1 started again",
    "router: target-1 works again",
    "payments are back on target-1",
    "the load has ended",
    "the router has drained",
  ];
  const told = story.map((event) => out.indexOf(`* ${event}`));
  assert.ok(!told.includes(-1), out);
  // The router may notice before or after the payments were seen elsewhere; all else has its order.
  const ordered = told.toSpliced(1, 1);
  assert.deepEqual(
    ordered,
    ordered.toSorted((a, b) => a - b),
    out,
  );

  assert.ok(numberOf(out, "sent") > 1_000, out);
  assert.equal(numberOf(out, "acknowledged"), numberOf(out, "sent"), out);
  assert.equal(numberOf(out, "lost"), 0);
  assert.ok(numberOf(out, "failed over") > 0, out);
  const atTargets = ["target-1", "target-2", "target-3", "errors"].map((name) => numberOf(out, name));
  assert.ok(
    atTargets.every((items) => items > 0),
    out,
  );
  // What a cut connection kept from being answered is at two targets, and was delivered once.
  const arrived = atTargets.reduce((sum, items) => sum + items, 0);
  const delivered = numberOf(out, "delivered");
  assert.ok(delivered <= arrived && delivered >= arrived - numberOf(out, "duplicates"), out);
  assert.match(out, /ledger balanced ✓\n +received .* \+ queued 0\n/u);
  assert.match(out, /signalbox demo --print-config > signalbox\.yaml/u);
  assert.deepEqual(readdirSync(FOLDER), [], "nothing is left behind");
});

test("demo: Ctrl-C ends an endless one with the same summary", async () => {
  await using child = demo("--duration", "0");
  await child.shown((out) => out.includes(" items/s: "));
  child.interrupt();
  assert.equal(await child.ended(), 0, child.err);
  assert.equal(numberOf(child.out, "lost"), 0);
  assert.match(child.out, /balanced ✓/u);
});

test("demo: where a standard port is in use, it takes another and says so", async () => {
  const taken = createServer();
  taken.listen({ host: "127.0.0.1", port: 4_318 });
  // When it is in use already, that does as well.
  await Promise.race([once(taken, "listening"), once(taken, "error").catch(() => {})]).catch(() => {});
  try {
    await using child = demo("--duration", "0");
    await child.shown((out) => /\* 127\.0\.0\.1:4318 is in use: http listens on 127\.0\.0\.1:\d+ instead/u.test(out));
    await child.shown((out) => out.includes(" items/s: "));
    child.interrupt();
    assert.equal(await child.ended(), 0, child.err);
  } finally {
    taken.close();
  }
});

const mistakes = [
  { args: ["--duration", "1s"], says: /8s to 24h, or 0; got "1s"/u },
  { args: ["--duration", "soon"], says: /got "soon"/u },
  { args: ["now"], says: /takes no arguments/u },
];
for (const { args, says } of mistakes) {
  test(`demo ${args.join(" ")}: is refused as a mistake`, async () => {
    await using child = demo(...args);
    assert.equal(await child.ended(), 2);
    assert.match(child.err, says);
    assert.equal(child.out, "");
  });
}

/**
 * `script` of util-linux gives a program a terminal; the one of other systems takes other options.
 */
const HAS_SCRIPT = /util-linux/u.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout);
const skip = HAS_SCRIPT ? false : "NOT TESTED: there is no script of util-linux here, so no terminal to draw on";

const ESCAPE = "\u001B";
const OPEN = "\u001B[?1049h\u001B[?25l";
const CLOSE = "\u001B[?25h\u001B[?1049l";

function demoOnTerminal(columns: number, rows: number, env: Readonly<Record<string, string>>): DemoProcess {
  const line = `stty cols ${columns} rows ${rows}; exec '${process.execPath}' '${BIN}' demo --duration 0`;
  return new DemoProcess("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    cwd: FOLDER,
    env: { PATH: process.env["PATH"], TERM: "xterm-256color", SHELL: "/bin/sh", ...env },
  });
}

test("demo: on a terminal it draws in place, and Ctrl-C gives the terminal back", { skip }, async () => {
  await using child = demoOnTerminal(80, 24, {});
  await child.shown((out) => /balanced ✓ +received [1-9]/u.test(stripVTControlCharacters(out)));
  child.type("\u0003");
  assert.equal(await child.ended(), 0, child.out);
  const { out } = child;
  const frames = out.slice(out.indexOf(OPEN) + OPEN.length, out.indexOf(CLOSE));
  assert.ok(out.includes(OPEN) && frames.length > 0, out);
  assert.ok(frames.startsWith("\u001B[2J\u001B[?2026h\u001B[H"), "each frame begins at the top");
  assert.equal(frames.split("\u001B[2J").length, 2, "and only the first one after wiping the screen");
  assert.ok(frames.includes("\u001B[36m"), "in colours");
  assert.match(stripVTControlCharacters(frames), /RULE {8}TAKES .*errors\s/u);
  const rest = out.slice(out.indexOf(CLOSE) + CLOSE.length);
  assert.match(
    rest,
    /acknowledged +[\d,]+.*lost +0 .*How to go on/su,
    "the summary is on the screen that was there before",
  );
  assert.ok(!rest.includes(ESCAPE), "and nothing is drawn any more");
});

test("demo: NO_COLOR is obeyed, also in a narrow terminal", { skip }, async () => {
  await using child = demoOnTerminal(50, 16, { NO_COLOR: "1" });
  await child.shown((out) => /balanced ✓ +in [1-9]/u.test(stripVTControlCharacters(out)));
  child.type("\u0003");
  assert.equal(await child.ended(), 0, child.out);
  assert.ok(!child.out.includes("\u001B[36m") && !child.out.includes("\u001B[0m"));
});

test("demo: on a terminal that cannot move its cursor it prints lines", { skip }, async () => {
  await using child = demoOnTerminal(80, 24, { TERM: "dumb" });
  await child.shown((out) => out.includes(" items/s: target-1"));
  child.type("\u0003");
  assert.equal(await child.ended(), 0, child.out);
  assert.ok(!child.out.includes(ESCAPE));
});
