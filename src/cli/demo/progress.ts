import { count, minutes } from "./numbers.ts";
import type { DemoEvent, DemoView, TargetRow } from "./view.ts";

/** What is told first where no terminal is: what runs where, and what the rules say. */
export function introText({ addresses, rules, targets, services }: DemoView): string {
  const { grpc, http, admin } = addresses;
  const ports = targets.map(({ facts, port }) => `  ${facts.id.padEnd(10)}${facts.protocol}, 127.0.0.1:${port}`);
  const takes = rules.map(({ id, says, pool }) => `  ${id.padEnd(13)}${says.padEnd(22)}to pool ${pool}`);
  return [
    `signalbox demo: ${services} services, one router, ${targets.length} targets`,
    `router listens: OTLP/gRPC ${grpc}, OTLP/HTTP ${http}, admin http://${admin}`,
    "targets:",
    ...ports,
    "rules:",
    ...takes,
    "",
  ].join("\n");
}

/** One line, for places where nothing can be drawn over. */
export function progressLine({ elapsedMs, itemsPerSecond, targets, ledger }: DemoView): string {
  const each = targets.map(targetText).join(", ");
  const verdict = ledger.balanced ? "balanced" : "NOT BALANCED";
  const sum = `delivered ${count(ledger.delivered)}, ledger ${verdict}`;
  return `${minutes(elapsedMs)}  ${count(itemsPerSecond)} items/s: ${each}; ${sum}\n`;
}

export function eventText({ atMs, text }: DemoEvent): string {
  return `${minutes(atMs)}  * ${text}\n`;
}

function targetText({ facts, running, state, itemsPerSecond }: TargetRow): string {
  const seen = running && state === "ready" ? count(itemsPerSecond) : running ? state : `stopped (${state})`;
  return `${facts.id} ${seen}`;
}
