/**
 * One limit on three real nodes over etcd: `node bench/three/limits.ts`. Load on one node, then on
 * another one of its region, then on one of another region, which is cut off from the store in the
 * end. It takes three minutes, prints what was let in, and ends with 1 where a bound does not hold,
 * with 2 where the machine stood still for so long that nothing can be said of one.
 */
import { formatTable } from "../table.ts";
import { pause } from "../pause.ts";
import { Overdue } from "./overdue.ts";
import { SteadyLoad } from "./steady-load.ts";
import { openThreeNodes } from "./three-nodes.ts";

const LIMIT = 2_000;
const BURST = 500;
const ITEMS = 50;
/** Twice the limit. */
const OFFERED = 4_000;
/** Of the limit, what is set aside for nodes that can ask nobody. */
const SAFE_PART = 0.03;
/** Of the seconds of a phase, so many are to tell something. */
const LEAST_COUNTED = 0.75;
const [N1, N2, N3] = [0, 1, 2];

using overdue = new Overdue(330_000);
await using fleet = await openThreeNodes({
  global: { rate_limiting: { max_qps: LIMIT, burst_size: BURST } },
  regions: ["eu", "eu", "us"],
});
await pause(15_000);
const load = new SteadyLoad({ senders: fleet.senders, items: ITEMS });
const phases: { readonly name: string; readonly fromMs: number; readonly settleS: number; readonly least: number }[] =
  [];
const phase = async (
  name: string,
  on: readonly number[],
  seconds: number,
  settleS: number,
  least: number,
): Promise<void> => {
  overdue.doing = `load ${name}`;
  phases.push({ name, fromMs: load.nowMs, settleS, least });
  load.offered = [N1, N2, N3].map((i) => (on.includes(i) ? OFFERED : 0));
  await pause(seconds * 1_000);
};
await phase("on n1 (eu)", [N1], 30, 10, 0.95);
await phase("moved to n2 (eu)", [N2], 30, 10, 0.95);
await phase("moved to n3 (us)", [N3], 40, 15, 0.95);
fleet.relay.isCut = true;
await phase("n3 cut off from the store, and load on n1, too", [N1, N3], 75, 45, 0.9);
overdue.doing = "answers are waited for";
const unanswered = await load.end();
if (unanswered > 0) process.stderr.write(`${unanswered} requests were not answered\n`);

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
/** Items that were let in, and that were answered at all, in each second. */
const countIn = (moments: readonly number[]): number[] => {
  const seconds: number[] = Array.from({ length: Math.ceil(load.nowMs / 1_000) }, () => 0);
  for (const atMs of moments) seconds[Math.floor(atMs / 1_000)]! += ITEMS;
  return seconds;
};
const letIn = countIn(load.letIn.map(({ atMs }) => atMs));
const answered = countIn([...load.letIn.map(({ atMs }) => atMs), ...load.refused]);
/**
 * Of the limit, in seconds in which nearly all was sent and answered that was to be: a machine that
 * stands still sends nothing. What is let in above the limit after such a second is not counted.
 */
const usedBetween = (fromMs: number, toMs: number): { readonly used: number; readonly counted: number } => {
  let [sum, counted] = [0, 0];
  for (let second = Math.ceil(fromMs / 1_000); second < Math.floor(toMs / 1_000); second++) {
    if (answered[second]! < 0.9 * OFFERED) continue;
    sum += Math.min(LIMIT, letIn[second]!);
    counted++;
  }
  return { used: sum / (LIMIT * Math.max(1, counted)), counted };
};
const rows = [["load", "let in of the limit, from then on", "in seconds", "after", "by node", "refused a second"]];
let [failures, unknown] = [0, 0];
for (const [i, { name, fromMs, settleS, least }] of phases.entries()) {
  const toMs = phases[i + 1]?.fromMs ?? load.nowMs;
  const seconds = (toMs - fromMs) / 1_000 - settleS;
  const its = load.letIn.filter(({ atMs }) => atMs >= fromMs + 1_000 * settleS && atMs < toMs);
  const by = [N1, N2, N3].map((node) => its.filter((one) => one.node === node).length * ITEMS);
  const { used, counted } = usedBetween(fromMs + 1_000 * settleS, toMs);
  if (counted < LEAST_COUNTED * Math.floor(seconds)) unknown++;
  else if (used < least) failures++;
  // Cut off it has its part of what is set aside, and no more.
  if (i === phases.length - 1 && by[N3]! > SAFE_PART * LIMIT * seconds + ITEMS) failures++;
  const refused = load.refused.filter((atMs) => atMs >= fromMs && atMs < toMs).length * ITEMS;
  const each = by.map((one) => (one / seconds).toFixed(0)).join(" ");
  rows.push([
    name,
    percent(used),
    `${counted} of ${Math.floor(seconds)}`,
    `${settleS} s`,
    each,
    ((1_000 * refused) / (toMs - fromMs)).toFixed(0),
  ]);
}
const excess = load.excess(LIMIT);
const allowed = BURST + fleet.nodes.length * ITEMS;
if (excess > allowed) failures++;
process.stdout.write(`let in by n1, n2, n3 in each second:\n${load.seconds().join(" | ")}\n`);
process.stdout.write(`${formatTable(rows)}\n`);
process.stdout.write(
  `over any time the most above limit x time was ${excess.toFixed(0)} items; ${allowed} are allowed: the burst, and a request of each node\n`,
);
process.exitCode = failures > 0 ? 1 : unknown > 0 ? 2 : 0;
overdue.doing = "the nodes end";
