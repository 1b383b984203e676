import { listOf, type Values } from "../config/values.ts";
import type { Given } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown, shownNumber } from "./admin-client/fields.ts";
import { amount, percent } from "./numbers.ts";
import { wrapped } from "./print.ts";
import { type Column, type TablePlace, tableText } from "./table.ts";

/** What is kept of each class and why, how strategies do, and what of it cannot be true. */
export function samplingText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  const [strategies, classes] = [listOf(view["strategies"]).map(fieldsOf), listOf(view["classes"]).map(fieldsOf)];
  const parts = [headText(view, io.clock.wallMs())];
  if (strategies.length > 0) parts.push(strategiesText(strategies, io.stdout));
  parts.push(classes.length > 0 ? tableText(CLASS_COLUMNS, classes, io.stdout) : "everything is kept\n");
  if (view["fleet"] !== undefined) parts.push(fleetText(fieldsOf(view["fleet"]), io.stdout));
  parts.push(skewText(listOf(view["randomness"]).map(fieldsOf), io.stdout.columns));
  return parts.filter((part) => part !== "").join("\n");
}

/** With why where one does not keep what is allowed. */
function strategiesText(strategies: readonly Values[], place: TablePlace): string {
  const lines = strategies.filter(isMissed).flatMap((one) => wrapped(missedLine(one), place.columns, 2));
  return [tableText(STRATEGY_COLUMNS, strategies, place), ...lines.map((line) => `${line}\n`)].join("");
}

/** A strategy of `GET /api/v1/sampling` that keeps more than is allowed, or could keep more. */
export function isMissed({ state }: Values): boolean {
  return state === "over_target" || state === "bound_by_ceilings";
}

export function missedLine({ strategy, state, reason }: Values): string {
  return `${shown(strategy)} is ${shown(state)}: ${shown(reason)}`;
}

/** The same of other settings, and how they are made to hold. */
export function triedText(body: unknown, given: Given): string {
  const options = ["target", "budget", "rate", "dry-run", "file"].flatMap((name) => {
    const value = given.args.text(name);
    return value === undefined ? [] : [`--${name} ${value}`];
  });
  const text = samplingText(body, given);
  return options.length === 0 ? text : `${text}\nto make it so: signalbox sampling set ${options.join(" ")}\n`;
}

function fleetText(fleet: Values, place: TablePlace): string {
  const regions = listOf(fleet["regions"]).map(fieldsOf);
  if (regions.length === 0) return "nothing that comes to regions is counted, or nothing comes\n";
  return tableText(REGION_COLUMNS, regions, place);
}

/** Where rates do not hold, since randomness is none. */
function skewText(services: readonly Values[], width: number): string {
  const lines = services.filter(({ verdict }) => verdict === "skewed").map(skewLine);
  return lines
    .flatMap((line) => wrapped(line, width, 2))
    .map((line) => `${line}\n`)
    .join("");
}

/** Of a service that `GET /api/v1/sampling` calls skewed. */
export function skewLine({ service, seen, largest_share: share, largest_bucket: bucket, ...more }: Values): string {
  const where = `${percent(share)} of them are in the ${ordinal(Number(bucket) + 1)} sixteenth of all values`;
  const evidence = `of ${shown(seen)} that were looked at ${where}, chi-square ${shown(more["chi_square"])}`;
  return `trace ids of ${shown(service)} are not random at their end (${evidence}): rates do not hold for it`;
}

function ordinal(number: number): string {
  return `${number}${number === 1 ? "st" : number === 2 ? "nd" : number === 3 ? "rd" : "th"}`;
}

function headText(view: Values, nowMs: number): string {
  if (view["received_by"] !== undefined) {
    return `of what the ${shown(view["received_by"])} receives ${amount(view["kept_per_second"])} items a second would be kept\n`;
  }
  const { decided_by: by, stage, directive, may_keep_per_second: bound } = view;
  if (stage === null || stage === undefined) return "rates are those of the config\n";
  const age = directive === null ? "never" : `${ageText(fieldsOf(directive)["since"], nowMs)} ago`;
  return `decided by the ${shown(by)}, last ${age} (${shown(stage)}); this node may keep ${amount(bound)} items a second\n`;
}

const share = (value: unknown): string => shownNumber(value, (one) => Number(one.toPrecision(4)).toString());

const STRATEGY_COLUMNS: readonly Column<Values>[] = [
  { title: "STRATEGY", of: ({ strategy }) => shown(strategy) },
  { title: "STATE", of: ({ state }) => shown(state) },
  { title: "RATE", align: "right", of: ({ rate }) => share(rate) },
  { title: "ALLOWED/S", align: "right", of: (row) => share(row["allowed_per_second"]) },
  { title: "KEPT/S", align: "right", of: (row) => share(row["kept_per_second"]) },
  {
    title: "SPENT",
    align: "right",
    of: ({ spent, budget }) => (spent === undefined ? "" : percent(ratio(spent, budget))),
  },
];

const FLOW_COLUMNS: readonly Column<Values>[] = [
  { title: "RECEIVED/S", align: "right", of: (row) => amount(row["received_per_second"]) },
  { title: "KEPT/S", align: "right", of: (row) => amount(row["kept_per_second"]) },
  { title: "DROPPED/S", align: "right", of: (row) => dropped(row["received_per_second"], row["kept_per_second"]) },
];

function dropped(received: unknown, kept: unknown): string {
  return typeof received === "number" && typeof kept === "number" ? amount(Math.max(0, received - kept)) : "";
}

const CLASS_COLUMNS: readonly Column<Values>[] = [
  { title: "SIGNAL", of: ({ signal }) => shown(signal) },
  { title: "CLASS", of: (row) => shown(row["class"]) },
  { title: "REGION", of: ({ region }) => (region === undefined ? "" : shown(region)) },
  { title: "RATE", align: "right", of: ({ probability }) => share(probability) },
  { title: "WHY", of: ({ reason }) => shown(reason) },
  ...FLOW_COLUMNS,
];

const REGION_COLUMNS: readonly Column<Values>[] = [
  { title: "REGION", of: ({ region }) => shown(region) },
  { title: "SIGNAL", of: ({ signal }) => shown(signal) },
  { title: "CLASS", of: (row) => shown(row["class"]) },
  { title: "RATE", align: "right", of: ({ probability }) => share(probability) },
  { title: "WHY", of: ({ reason }) => shown(reason) },
  ...FLOW_COLUMNS,
];

function ratio(spent: unknown, budget: unknown): number {
  return Number(spent) / Number(budget);
}
