/**
 * One sampling target on three real nodes over etcd: `node bench/three/sampling.ts [scale]`. The
 * load of docs/sampling.md, times the scale (0.2), skewed 10:1, five times as much in between. It
 * takes five minutes, prints what became of it, and fails where a bound does not hold.
 */
import { formatTable } from "../table.ts";
import { pause } from "../pause.ts";
import { settledAfter } from "../sampling/figures.ts";
import { RecordedTraces } from "./recorded-traces.ts";
import { NodesWatch } from "./nodes-watch.ts";
import { Overdue } from "./overdue.ts";
import { PairLoad } from "./pair-load.ts";
import { openThreeNodes } from "./three-nodes.ts";

const scale = Number(process.argv[2] ?? 0.2);
const TARGET = 1_000 * scale;
const TEN = Array.from({ length: 10 }, (_, i): [string, number] => [`service-${i}`, 1_095 * scale]);
const SERVICES = { payment: 25 * scale, checkout: 25 * scale, debug: 1_000 * scale, ...Object.fromEntries(TEN) };
const PER_SECOND = Object.values(SERVICES).reduce((sum, one) => sum + one, 0);
const PHASES = [
  { name: "1 at first", load: 1, seconds: 95, counted: 60, within: undefined },
  { name: "5", load: 5, seconds: 75, counted: 60, within: 10 },
  { name: "1 again", load: 1, seconds: 137, counted: 60, within: 75 },
] as const;
const GLOBAL = {
  sampling_rate: 0.1,
  sampling_strategies: [
    { type: "adaptive", min_rate: 0.01, max_rate: 0.5, target_qps: TARGET },
    {
      type: "priority_based",
      rules: [
        { priority: "high", rate: 1, services: ["payment", "checkout"] },
        { priority: "normal", rate: 0.1 },
        { priority: "low", rate: 0.01, services: ["debug", "test"] },
      ],
    },
  ],
  rate_limiting: { max_qps: 1_000_000, burst_size: 1_000_000, per_service_limit: 1_000_000 },
};

using overdue = new Overdue(480_000);
let arrived: (body: Uint8Array) => void = () => undefined;
await using fleet = await openThreeNodes({
  global: GLOBAL,
  regions: ["eu", "eu", "us"],
  arrived: (body) => arrived(body),
});
await pause(20_000); // they form a fleet, and are granted limits
const load = new PairLoad({ senders: fleet.senders, weights: [10, 5.5, 1], services: SERVICES });
const kept = new RecordedTraces(load.beganMs);
arrived = (body) => kept.arrived(body);
await using watch = new NodesWatch(fleet, load.beganMs);
for (const { name, load: times, seconds } of PHASES) {
  overdue.doing = `load ${name}`;
  load.load = times;
  await pause(seconds * 1_000);
}
overdue.doing = "answers are waited for";
await load.end();
await pause(3_000);

const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;
const sumOf = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((sum, one) => sum + (one ?? 0), 0);
let failures = 0;
/** Of a second, as if all had been sent that was due: a machine that stands still sends less. */
const evened = (second: number, times: number): number =>
  (kept.kept[second] ?? 0) * ((times * PER_SECOND) / Math.max(1, load.taken[second] ?? 0));
const rows = [["load", "settled after", "worst second", "of the bound", "adjusted counts", "kept a second"]];
let from = 0;
for (const { name, load: times, seconds, counted, within } of PHASES) {
  const all = Array.from({ length: seconds }, (_, i) => kept.kept[from + i] ?? 0);
  const settled = settledAfter(
    all.slice(0, -1).map((_, i) => evened(from + i, times)),
    TARGET,
  );
  const last = [from + seconds - counted - 1, from + seconds - 1] as const;
  const error = sumOf(kept.stoodFor.slice(...last)) / sumOf(load.taken.slice(...last)) - 1;
  // Before a fleet has decided anything its nodes go by what the config says.
  const begin = within === undefined ? seconds - counted : 0;
  const seen = Array.from({ length: seconds - begin }, (_, i) => kept.arrivals[from + begin + i] ?? 0);
  // A second in which nothing arrived is within any bound.
  const ofBound = Math.max(...seen.map((one, i) => (one === 0 ? 0 : one / watch.bound(from + begin + i))));
  const worst = Math.max(...seen) / TARGET;
  if (within !== undefined && (settled === undefined || settled > within || ofBound > 1.05)) failures++;
  if (Math.abs(error) > 0.01) failures++;
  const mean = sumOf(kept.kept.slice(...last)) / counted;
  rows.push([name, `${settled ?? "-"} s`, percent(worst), percent(ofBound), percent(error), mean.toFixed(1)]);
  process.stdout.write(`kept in each second of load ${name}: ${all.join(" ")}\n`);
  from += seconds;
}
const split = [...kept.traces].filter(([id, one]) => one.kept === 1 && !load.spoilt.has(id));
const unexplained = split.filter(([, { sentMs }]) => watch.isCalm(sentMs));
if (unexplained.length > 0) failures++;
process.stdout.write(`${formatTable(rows)}\n`);
process.stdout.write(
  `of ${kept.traces.size} traces of which something was kept ${split.length} are split, ${unexplained.length} of them while ` +
    `all nodes had one directive and none guarded (${percent(watch.calmPart)} of the time)\n` +
    `items sent ${sumOf(load.taken) + load.refused}, refused ${load.refused}\n`,
);
overdue.doing = "the nodes end";
process.exitCode = failures === 0 ? 0 : 1;
