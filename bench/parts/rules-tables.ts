import { atLeast, below, megabytes, percent } from "../mark.ts";
import type { Mark } from "../mark.ts";
import type { ProbeTable } from "../probe-tables.ts";
import { CHANGES } from "../rules/rule-changes.ts";
import type { RuleChange } from "../rules/rule-changes.ts";
import type { RulesLoad, RulesResult, RulesRun } from "./rules.ts";
import { median, ratios } from "./statistics.ts";

/** What 10,000 rules may add, and take. */
const MOST_BYTES = 60e6;
const MOST_MS = 100;
const MOST_START_MS = 1_000;

/** Medians and ranges. */
export function rulesTable({ nodes, load }: RulesResult): ProbeTable {
  const head = ["workers", "change", "times", "until it runs ms", "processor ms"];
  const rows = nodes.flatMap(({ workers, firstChanges, changes }) => [
    ...firstChanges.map((one, i) => changeRow(workers, `${i + 1}. after the start`, [one])),
    ...CHANGES.map((name) => changeRow(workers, name, changes[name])),
  ]);
  const notes = [...nodes.flatMap(nodeNotes), ...loadNotes(load)];
  return { rows: [head, ...rows], notes };
}

function changeRow(workers: number, name: string, all: readonly RuleChange[]): string[] {
  const figures = [all.map(({ wallMs }) => wallMs), all.map(({ cpuMs }) => cpuMs)];
  return [String(workers), name, String(all.length), ...figures.map(ranged)];
}

function ranged(values: readonly number[]): string {
  const middle = median(values).toFixed(0);
  if (values.length < 2) return middle;
  return `${middle} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;
}

function nodeNotes({ workers, start, bytes }: RulesRun): string[] {
  const { few, many } = start;
  const times = ({ wallMs, cpuMs }: RuleChange): string =>
    `${wallMs.toFixed(0)} ms (${cpuMs.toFixed(0)} of the processor)`;
  return [
    `${workers} workers: starts in ${times(many)} with 10,000 rules in YAML, and in ${times(few)} with ten.`,
    `${workers} workers: private memory, main process and workers: ten rules ${told(bytes.few)}, 10,000 ${told(bytes.many)}, ` +
      `after the changes ${told(bytes.changed)}.`,
  ];
}

function loadNotes(load: readonly RulesLoad[]): string[] {
  const share = shareOf(load);
  const memory = load.map(({ rules, bytes }) => `${rules.toLocaleString("en-US")} rules ${told(bytes)}`).join(", ");
  const there = load.every(({ allThere }) => allThere) ? "" : " Not all of it arrived.";
  return [
    `Under load, one worker, 1,000 services, windows in turns: 10,000 rules carry ${percent(median(share))} ` +
      `(${share.map(percent).join(", ")}) of the items per CPU-second of ten; private memory: ${memory}.${there}`,
  ];
}

function shareOf([few, many]: readonly RulesLoad[]): number[] {
  return ratios(many?.itemsPerCpuSecond ?? [], few?.itemsPerCpuSecond ?? []);
}

function told(bytes: readonly number[]): string {
  return bytes.map(megabytes).join(" + ");
}

export function rulesMarks({ nodes, load }: RulesResult): Mark[] {
  const [few, many] = load;
  const marks = nodes.flatMap(({ workers, start, firstChanges, changes, bytes }) => {
    const what = `10,000 rules, ${workers} workers`;
    const added = sum(bytes.changed) - sum(bytes.few);
    return [
      below(`${what}: the start, beside ten`, start.many.wallMs - start.few.wallMs, MOST_START_MS, ms),
      below(`${what}: the first change`, firstChanges[0]?.wallMs ?? 0, MOST_MS, ms),
      ...CHANGES.map((name) =>
        below(`${what}: ${name}`, median(changes[name].map(({ wallMs }) => wallMs)), MOST_MS, ms),
      ),
      below(`${what}: private memory after changes, beside ten`, added, MOST_BYTES, megabytes),
    ];
  });
  const under = sum(many?.bytes ?? []) - sum(few?.bytes ?? []);
  return [
    ...marks,
    atLeast("10,000 rules, as a share of the throughput with ten", median(shareOf(load)), 0.9, percent),
    below("10,000 rules: private memory under load, beside ten", under, MOST_BYTES, megabytes),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
