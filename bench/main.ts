import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../src/core/clock.ts";
import { CASES } from "./case.ts";
import type { Case } from "./case.ts";
import { describeMachine } from "./machine.ts";
import type { Timing } from "./measure.ts";
import { runCase } from "./plan-runs.ts";
import type { Report, Results } from "./results.ts";
import { PEERS, SIGNALBOX } from "./system.ts";
import type { System } from "./system.ts";
import { formatTable, tableHead, tableRow } from "./table.ts";

/** `npm run bench -- [--short] [--case name,..] [--system name] [--out file]`: see docs/benchmarks.md. */
const FULL: Timing = { warmUpMs: 3_000, windowMs: 8_000 };
const SHORT: Timing = { warmUpMs: 1_500, windowMs: 3_000 };

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    case: { type: "string" },
    system: { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

// Children end when this process does (child.ts), so that nothing stays behind.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

if (values.help) printHelp();
else process.exitCode = await run();

async function run(): Promise<number> {
  const timing = values.short ? SHORT : FULL;
  const cases = chosenCases();
  if (cases.length === 0) {
    process.stderr.write(`no such case; there are ${CASES.map((each) => each.name).join(", ")}\n`);
    return 2;
  }
  const machine = describeMachine(systemClock.wallMs());
  const results: Results = { measurements: [], failures: [] };
  const absent: { system: string; reason: string }[] = [];
  for (const system of chosenSystems()) {
    const reason = system.missing();
    if (reason !== undefined) absent.push({ system: system.name, reason });
    else await runAll(system, cases, timing, results);
  }
  const report: Report = { machine, timing, ...results, absent };
  print(report);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
  const lost = results.measurements.some(({ check }) => !check.ok);
  const own = [...results.failures, ...absent].some(({ system }) => system === SIGNALBOX.name);
  return lost || own ? 1 : 0;
}

async function runAll(system: System, cases: readonly Case[], timing: Timing, results: Results): Promise<void> {
  for (const each of cases) {
    if (!system.runs(each)) continue;
    process.stderr.write(`${system.name}: ${each.title}\n`);
    await runCase(each, system, timing, results, (measurement) => {
      const spans = Math.round(measurement.itemsPerSecond).toLocaleString("en-US");
      process.stderr.write(`  ${measurement.part} ${spans} spans/s\n`);
    });
  }
}

function chosenCases(): Case[] {
  const names = values.case?.split(",");
  if (names !== undefined) return CASES.filter((each) => names.includes(each.name));
  return CASES.filter((each) => !values.short || each.short);
}

function chosenSystems(): System[] {
  const all = values.short ? [SIGNALBOX] : [SIGNALBOX, ...PEERS];
  const wanted = values.system;
  return wanted === undefined
    ? all
    : [SIGNALBOX, ...PEERS].filter((system) => system.name.toLowerCase().startsWith(wanted.toLowerCase()));
}

function print(report: Report): void {
  const { machine, timing } = report;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}, ${machine.date} UTC, commit ${machine.commit}`,
    `warm-up ${timing.warmUpMs} ms, window ${timing.windowMs} ms; generator and sinks outside of the measured processes`,
    "",
    formatTable([tableHead(), ...report.measurements.map(tableRow)]),
    "",
    ...report.failures.map((failure) => `${failure.system}, ${failure.case}: not measured: ${failure.reason}`),
    ...report.absent.map(({ system, reason }) => `${system}: not there: ${reason}`),
  ];
  process.stdout.write(`${lines.join("\n").trimEnd()}\n`);
}

function printHelp(): void {
  const cases = CASES.map(({ name, title, short }) => `  ${name.padEnd(12)} ${title}${short ? " (--short)" : ""}`);
  process.stdout.write(`npm run bench -- [--short] [--case name,..] [--system name] [--out file]

  --short    two cases, Signalbox only, under 40 seconds
  --case     these cases only
  --system   signalbox, pass-through, receive, nginx, opentelemetry or vector only
  --out      write the results as JSON; node bench/report.ts <file> makes tables of them

cases
${cases.join("\n")}

OTELCOL_BIN and VECTOR_BIN name the binaries of those peers; nginx is looked for on the PATH.
`);
}
