import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/core/clock.ts";
import { CASES, WIRE_CASES } from "./cases.ts";
import type { Case } from "./case.ts";
import { describeMachine } from "./machine.ts";
import { marksOf } from "./marks.ts";
import { measure } from "./measure.ts";
import type { Timing } from "./rig.ts";
import { reasonOf } from "./results.ts";
import type { Report, Results } from "./results.ts";
import { probeTable } from "./probe-tables.ts";
import type { ProbeTable } from "./probe-tables.ts";
import type { PartOptions } from "./parts/parts.ts";
import { NAMED_ONLY, PROBES, runProbe } from "./probes.ts";
import type { Probe, ProbeResult } from "./probes.ts";
import { profile } from "./profile.ts";
import { PEERS } from "./peers.ts";
import { ROUTERS, SIGNALBOX } from "./system.ts";
import type { System } from "./system.ts";
import { formatTable, tableHead, tableRow } from "./table.ts";

/**
 * `npm run bench -- [--short] [--case name,..] [--system name] [--profile case] [--windows n]
 * [--against dir] [--out file]`: see docs/benchmarks.md.
 */
const ALL_CASES: readonly Case[] = [...CASES, ...WIRE_CASES];
const FULL: Timing = { warmUpMs: 2_000, windowMs: 7_000 };
const PROFILE_LINES = 40;
const SHORT: Timing = { warmUpMs: 1_000, windowMs: 2_500 };

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    case: { type: "string" },
    system: { type: "string" },
    profile: { type: "string" },
    out: { type: "string" },
    windows: { type: "string" },
    against: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

// Children end when this process does (child.ts), so that nothing stays behind.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

if (values.help) printHelp();
else if (values.profile !== undefined) process.exitCode = await printProfile(values.profile);
else process.exitCode = await run();

async function run(): Promise<number> {
  const timing = values.short ? SHORT : FULL;
  const cases = chosenCases();
  const probes = chosenProbes();
  if (cases.length === 0 && probes.length === 0) {
    process.stderr.write(`no such case; there are ${[...ALL_CASES, ...PROBES].map((each) => each.name).join(", ")}\n`);
    return 2;
  }
  const machine = describeMachine(systemClock.wallMs());
  const results: Results = { measurements: [], failures: [], probes: [] };
  const absent: { system: string; reason: string }[] = [];
  const there: System[] = [];
  for (const system of chosenSystems()) {
    const reason = system.missing();
    if (reason === undefined) there.push(system);
    else absent.push({ system: system.name, reason });
  }
  for (const system of there) await runAll(system, cases, timing, results);
  for (const { name } of probes) await runProbe(name, there, partOptions(), results);
  const report: Report = { machine, command: commandLine(), timing, ...results, absent };
  print(report);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
  const lost =
    results.measurements.some(({ check }) => !check.ok) || results.probes.some((probe) => !isAllThere(probe));
  const own = [...results.failures, ...absent].some(({ system }) => system === SIGNALBOX.name);
  return lost || own ? 1 : 0;
}

function isAllThere(probe: ProbeResult): boolean {
  if ("series" in probe) return probe.series.every(({ allThere }) => allThere);
  if (probe.kind === "deaths") return probe.check.ok;
  return !("allThere" in probe) || probe.allThere;
}

async function runAll(system: System, cases: readonly Case[], timing: Timing, results: Results): Promise<void> {
  for (const each of cases) {
    if (!system.runs(each)) continue;
    process.stderr.write(`${system.name}: ${each.title}\n`);
    try {
      const measurement = await measure(each, system, timing);
      results.measurements.push(measurement);
      process.stderr.write(`  ${Math.round(measurement.itemsPerSecond).toLocaleString("en-US")} items/s\n`);
    } catch (error) {
      results.failures.push({ case: each.name, system: system.name, reason: reasonOf(error) });
    }
  }
}

async function printProfile(name: string): Promise<number> {
  const each = ALL_CASES.find((one) => one.name === name);
  const system = Object.values(ROUTERS).find((router) => chosenSystems().includes(router));
  if (each === undefined || system === undefined) {
    process.stderr.write("--profile takes the name of a load, and a router as --system\n");
    return 2;
  }
  process.stderr.write(`${system.name}: ${each.title}\n`);
  const hot = await profile(each, system, values.short ? SHORT : FULL);
  for (const { where, selfPercent } of hot.slice(0, PROFILE_LINES)) {
    process.stdout.write(`${selfPercent.toFixed(1).padStart(5)} %  ${where}\n`);
  }
  return 0;
}

function chosenCases(): Case[] {
  const names = values.case?.split(",");
  if (names !== undefined) return ALL_CASES.filter((each) => names.includes(each.name));
  return CASES.filter((each) => !values.short || each.short);
}

function chosenProbes(): Probe[] {
  const names = values.case?.split(",");
  if (names !== undefined) return PROBES.filter(({ name }) => names.includes(name));
  // There is another build only where one is named.
  const isThere = (name: Probe["name"]): boolean => name !== "against" || values.against !== undefined;
  return PROBES.filter(({ name, short }) => (!values.short || short) && isThere(name) && !NAMED_ONLY.includes(name));
}

function partOptions(): PartOptions {
  const windows = values.windows === undefined ? undefined : Number(values.windows);
  if (windows !== undefined && !(windows >= 1)) throw new Error("--windows takes a number above 0");
  const against = values.against === undefined ? undefined : resolve(values.against);
  return { short: values.short, windows, against };
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
    ...(report.measurements.length > 0 ? [formatTable([tableHead(), ...report.measurements.map(tableRow)]), ""] : []),
    ...PROBES.flatMap(({ name, title }) => probeLines(title, probeTable(name, report.probes))),
    ...markLines(report),
    ...report.failures.map((failure) => `${failure.system}, ${failure.case}: not measured: ${failure.reason}`),
    ...report.absent.map(({ system, reason }) => `${system}: not there: ${reason}`),
  ];
  process.stdout.write(`${lines.join("\n").trimEnd()}\n`);
}

function probeLines(title: string, table: ProbeTable | undefined): string[] {
  return table === undefined ? [] : [title, formatTable(table.rows), ...table.notes, ""];
}

function markLines(report: Report): string[] {
  const marks = marksOf(report).map(({ what, mark, measured, held }) => [what, mark, measured, held ? "yes" : "NO"]);
  return marks.length === 0 ? [] : [formatTable([["what", "mark", "measured", "held"], ...marks]), ""];
}

/** Without `--out`, which says nothing of what was measured. */
function commandLine(): string {
  const { short, case: cases, system, windows } = values;
  const options = Object.entries({ case: cases, system, windows }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  );
  return ["npm run bench --", ...(short ? ["--short"] : []), ...options].join(" ");
}

function printHelp(): void {
  const all = [...ALL_CASES, ...PROBES];
  const cases = all.map(({ name, title, short }) => `  ${name.padEnd(12)} ${title}${short ? " (--short)" : ""}`);
  process.stdout.write(`npm run bench -- [--short] [--case name,..] [--system name] [--profile case] [--windows n] [--against dir] [--out file]

  --short    a few cases with smaller numbers, Signalbox only, under 40 seconds
  --case     these cases only
  --system   signalbox, pass-through, receive, nginx, opentelemetry or vector only
  --profile  put this load through the router, and print where it spends its time
  --windows  so many windows of each system in those parts that measure them in turns
  --against  the folder of another checkout that was built: the part "against" compares this one with it
  --out      write the results as JSON; node bench/report.ts <file> makes tables of them

cases
${cases.join("\n")}

OTELCOL_BIN, DF_ENGINE_BIN, ENVOY_BIN and VECTOR_BIN name the binaries of those peers; nginx and haproxy are looked for
on the PATH.
`);
}
