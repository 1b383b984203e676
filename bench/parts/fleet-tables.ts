import { SESSION_TTL_MS } from "../../src/store/store.ts";
import { below, none } from "../mark.ts";
import type { Mark } from "../mark.ts";
import type { ProbeTable } from "../probe-tables.ts";
import type { FleetMode, FleetResult } from "./fleet.ts";
import { median } from "./statistics.ts";

export function fleetTable({ nodes, store, modes, wedge }: FleetResult): ProbeTable {
  const head = ["workers", "applies", "runs on all ms", "most ms", "command ms", "requests meanwhile", "failed"];
  head.push("full load: spans/s", "CPU %", "failed", "renewals", "longest delay ms", "leases lost");
  const rows = modes.map(({ workers, applies, flowing, full, sessionsLost }) => [
    workers === 0 ? "none: main loop" : count(workers),
    count(applies.length),
    count(median(applies.map(({ allMs }) => allMs))),
    count(Math.max(...applies.map(({ allMs }) => allMs))),
    count(median(applies.map(({ commandMs }) => commandMs))),
    count(flowing.requests),
    count(flowing.failed),
    count(full.itemsPerSecond),
    (100 * full.cpu).toFixed(0),
    count(full.failed),
    count(full.renewals),
    count(full.longestDelayMs),
    count(sessionsLost),
  ]);
  const notes = [
    `${nodes} nodes over ${store}, all of them, the store, loads and sink on the same cores. \`config apply\` counts from when the store has ` +
      "the version until the last node says that it runs it; the whole command, with the start of its process, stands beside it.",
  ];
  if (wedge !== undefined) {
    notes.push(
      `The main loop of the node that led the fleet was blocked: another led after ${seconds(wedge.takenOverMs)} (lease: ${seconds(SESSION_TTL_MS)}); ` +
        `${count(wedge.stalled)} sessions were given up by the thread that renews them; ${count(wedge.flowing.failed)} of ${count(wedge.flowing.requests)} requests failed meanwhile.`,
    );
  }
  return { rows: [head, ...rows], notes };
}

export function fleetMarks({ modes, wedge }: FleetResult): Mark[] {
  const marks = modes.flatMap((mode) => modeMarks(mode));
  if (wedge === undefined) return marks;
  const most = SESSION_TTL_MS + 2_000;
  return [...marks, below("a blocked main loop: another leads after", wedge.takenOverMs, most, seconds)];
}

function modeMarks({ workers, applies, flowing, sessionsLost }: FleetMode): Mark[] {
  const what = workers === 0 ? "fleet, main loop" : `fleet, ${workers} workers`;
  const all = Math.max(...applies.map(({ allMs }) => allMs));
  return [
    below(`${what}: a config that is published runs on all nodes after`, all, 1_000, seconds),
    none(`${what}: requests that failed while configs were applied`, flowing.failed),
    none(`${what}: leases lost at full load`, sessionsLost),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
