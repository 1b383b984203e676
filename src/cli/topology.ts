import { listOf, type Values } from "../config/values.ts";
import { adminCommand, type Given } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown, shownNumber } from "./admin-client/fields.ts";
import { queryOf } from "./admin-client/options.ts";
import { stringify } from "yaml";
import { usage } from "./args.ts";
import type { Args, Command } from "./command.ts";
import { milliseconds, percent } from "./numbers.ts";
import { type Column, tableText } from "./table.ts";

export const topology: Command = adminCommand({
  name: "topology",
  summary: "Show the regions of a node's fleet, their collectors and what they carry.",
  usage: [
    "topology [--region <region> [--after <id>]]",
    "topology <id> [--region <region>]",
    "topology --limit 10 -o json",
  ],
  details: `A node without a fleet shows itself. STALE says that what is shown is of the past: nobody has told anything new of the region, or
its controller does not answer. Below the tables stands whether controllers see different members. With the id of a collector: all that its
controller knows of it; its past the node itself has, signalbox load.`,
  takes: "names",
  options: {
    region: { value: "region", help: "This one alone." },
    after: { value: "id", help: "The page after this collector; with --region." },
    limit: { value: "number", help: "Collectors of each region; default: 100." },
  },
  call({ args }) {
    const id = idIn(args);
    if (id === undefined)
      return { method: "GET", path: ["topology"], query: queryOf(args, "region", "after", "limit") };
    if (args.isGiven("after") || args.isGiven("limit"))
      throw usage("--after and --limit are for pages of many, and a collector is one");
    return { method: "GET", path: ["topology", "collectors", id], query: queryOf(args, "region") };
  },
  text: (body, given) => (idIn(given.args) === undefined ? topologyText(body, given) : stringify(body)),
});

/** Undefined: all are shown. */
function idIn({ positionals }: Args): string | undefined {
  const [id, ...more] = positionals;
  if (more.length > 0) throw usage("topology takes the id of one collector");
  return id;
}

export const topologyBest: Command = adminCommand({
  name: "topology best",
  summary: "Name a collector to send to: one that does well, and has something left.",
  usage: ["topology best [--region <region>] [--load 1] [--latency 1] [--capacity 1]", "topology best -o json"],
  details: `Two collectors are drawn by the capacity that they have left, and either is taken, as often as its score says: what is known
of load is seconds old, and if the best got all, everybody would go there at once. So two calls may name two. SCORE is from 0
to 1, as are its parts LOAD, LATENCY and CAPACITY, which count as much as the options say. Exits with 1 when nobody is healthy and has
something left, and with 5 when there is no such region.`,
  options: {
    region: { value: "region", help: "Of this one alone." },
    load: { value: "weight", help: "How much it counts that it has little to do; default: 1." },
    latency: { value: "weight", help: "How much it counts that it answers fast; default: 1." },
    capacity: { value: "weight", help: "How much it counts that it could take more; default: 1." },
  },
  call: ({ args }) => ({
    method: "GET",
    path: ["topology", "best"],
    query: queryOf(args, "region", "load", "latency", "capacity"),
  }),
  text: (body, { io }) => tableText(BEST_COLUMNS, [fieldsOf(body)], io.stdout),
});

const collectorOf = ({ collector }: Values): Values => fieldsOf(collector);
const score = (value: unknown): string => shownNumber(value, (one) => one.toFixed(2));

const BEST_COLUMNS: readonly Column<Values>[] = [
  { title: "COLLECTOR", of: (best) => shown(collectorOf(best)["id"]) },
  { title: "REGION", of: (best) => shown(collectorOf(best)["region"]) },
  { title: "ADDRESS", of: (best) => shown(collectorOf(best)["address"]) },
  { title: "SCORE", align: "right", of: (best) => score(best["score"]) },
  { title: "LOAD", align: "right", of: ({ parts }) => score(fieldsOf(parts)["load"]) },
  { title: "LATENCY", align: "right", of: ({ parts }) => score(fieldsOf(parts)["latency"]) },
  { title: "CAPACITY", align: "right", of: ({ parts }) => score(fieldsOf(parts)["capacity"]) },
];

export const members: Command = adminCommand({
  name: "members",
  summary: "List the members of a node's fleet: where each is, when it was heard last, and which controllers see it.",
  usage: ["members", "members -o json"],
  call: () => ({ method: "GET", path: ["members"] }),
  text: (body, { io }) => tableText(memberColumns(io.clock.wallMs()), listOf(body).map(fieldsOf), io.stdout),
});

function memberColumns(nowMs: number): readonly Column<Values>[] {
  return [
    { title: "MEMBER", of: ({ id }) => shown(id) },
    { title: "REGION", of: ({ region }) => shown(region) },
    { title: "ADDRESS", of: ({ address }) => shown(address) },
    { title: "SEEN", align: "right", of: (row) => ageText(row["last_seen"], nowMs) },
    { title: "SEEN BY", wraps: true, of: ({ seen_by: seenBy }) => shown(seenBy) },
  ];
}

function topologyText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  const regions = listOf(view["regions"]).map(fieldsOf);
  const collectors = regions.flatMap((region) => listOf(region["collectors"]).map(fieldsOf));
  const tables = [
    tableText(REGION_COLUMNS, regions, io.stdout),
    tableText(collectorColumns(io.clock.wallMs()), collectors, io.stdout),
  ];
  const more = regions.filter(({ next }) => typeof next === "string").map(moreText);
  return [...tables, [...more, ...listOf(view["split"]).map(fieldsOf).map(splitText)].join("")]
    .filter((part) => part !== "")
    .join("\n");
}

const REGION_COLUMNS: readonly Column<Values>[] = [
  { title: "REGION", of: ({ id }) => shown(id) },
  { title: "HEALTH", of: ({ health }) => shown(health) },
  {
    title: "CONTROLLER",
    of: ({ controller, adopted }) => `${shown(controller)}${adopted === true ? " (adopted)" : ""}`,
  },
  { title: "COLLECTORS", align: "right", of: (region) => shown(region["collectors_total"]) },
  { title: "ITEMS/S", align: "right", of: ({ totals }) => shown(fieldsOf(totals)["items"]) },
  { title: "LATENCY", align: "right", of: ({ totals }) => milliseconds(fieldsOf(totals)["latency_ms"]) },
  { title: "ERRORS", align: "right", of: ({ totals }) => percent(fieldsOf(totals)["error_rate"]) },
  { title: "STALE", of: ({ stale }) => (stale === true ? "stale" : "") },
  { title: "WHY", wraps: true, of: ({ reason }) => shown(reason) },
];

function collectorColumns(nowMs: number): readonly Column<Values>[] {
  return [
    { title: "COLLECTOR", of: ({ id }) => shown(id) },
    { title: "REGION", of: ({ region }) => shown(region) },
    { title: "ADDRESS", of: ({ address }) => shown(address) },
    { title: "HEALTH", of: ({ health }) => shown(health) },
    { title: "CONFIG", align: "right", of: (row) => shown(row["config_version"]) },
    { title: "ITEMS/S", align: "right", of: ({ load }) => shown(fieldsOf(load)["items_per_second"]) },
    { title: "USED", align: "right", of: ({ load }) => percent(fieldsOf(load)["utilization"]) },
    { title: "QUEUED", align: "right", of: ({ load }) => shown(fieldsOf(load)["queue_items"]) },
    { title: "SEEN", align: "right", of: (row) => ageText(row["last_seen"], nowMs) },
    { title: "VERSION", of: ({ version }) => shown(version) },
    { title: "TAGS", of: ({ tags }) => tagsText(fieldsOf(tags)) },
    { title: "WHY", wraps: true, of: ({ reason }) => shown(reason) },
  ];
}

function tagsText(tags: Values): string {
  return Object.entries(tags)
    .map(([tag, value]) => `${tag}=${shown(value)}`)
    .join(",");
}

function moreText(region: Values): string {
  return `more of ${shown(region["id"])}: --region ${shown(region["id"])} --after ${shown(region["next"])}\n`;
}

function splitText({ scope, views }: Values): string {
  const lines = listOf(views)
    .map(fieldsOf)
    .map(({ controllers, only_here }) => {
      const only = listOf(only_here).length === 0 ? "" : `, and alone ${shown(only_here)}`;
      return `  ${shown(controllers)} see the same${only}\n`;
    });
  return `SPLIT: controllers do not see the same members of ${shown(scope)}\n${lines.join("")}`;
}
