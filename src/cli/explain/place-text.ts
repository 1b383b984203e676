import type { PickExplanation, PlaceExplanation, TargetExplanation } from "../../plan/explanation.ts";
import { type Column, tableText } from "../table.ts";
import { wrapped } from "./wrap.ts";

/** Where an item goes, for people; `verb` begins the sentence. */
export function placeLines(verb: string, place: PlaceExplanation, width: number): string[] {
  const { rule, pool, strategy, refusal, channel, queued_items: queued, targets, pick } = place;
  const table = tableText(
    COLUMNS,
    targets.map((target) => rowOf(target, pick)),
    Math.max(20, width - 4),
  );
  const lines = [
    `  ${verb} to pool ${pool} (${strategy}), by rule ${rule}`,
    ...chainLines(place),
    ...(channel === null ? [] : [`    channel ${channel.kind} ${channel.name}: ${channel.why}`]),
    ...(queued > 0 ? [`    behind ${queued} items that wait there`] : []),
    ...(refusal === null ? [] : [`    and is refused there (${refusal.reason}): ${refusal.message}`]),
  ];
  return [
    ...lines.flatMap((line) => wrapped(line, width, 6)),
    ...table
      .trimEnd()
      .split("\n")
      .map((row) => `    ${row}`),
    ...wrapped(`    ${pickText(pick)}`, width, 6),
  ];
}

/** What a pick would be, in a few words. */
export function pickText(pick: PickExplanation): string {
  switch (pick.kind) {
    case "target":
      return `next pick: ${pick.target}`;
    case "copies":
      return `a copy for each of ${pick.targets.join(", ")}`;
    case "chances":
      return `by chance: ${Object.entries(pick.chances)
        .map(([id, share]) => `${id} ${percent(share)}`)
        .join(", ")}`;
    case "waits":
      return "nothing can be picked now: it waits";
    case "plugin":
      return "the strategy of a plugin decides";
  }
}

/** Only where something is not as usual. */
function chainLines({ pool, chain }: PlaceExplanation): string[] {
  const isPlain = chain[0]?.pool === pool && chain[0].usable && chain[0].has_room;
  if (isPlain) return [];
  return chain.map(({ pool: name, usable, has_room: room, when_down: whenDown }) => {
    const state = usable
      ? room
        ? "usable, with room"
        : "its queue is full"
      : `no target is usable (when_down: ${whenDown})`;
    return `    pool ${name}: ${state}`;
  });
}

const COLUMNS: readonly Column[] = [
  { title: "TARGET", cut: true },
  { title: "STATE", cut: true },
  { title: "WEIGHT", align: "right" },
  { title: "SHARE", align: "right" },
  { title: "LOAD", align: "right" },
  { title: "LATENCY", align: "right" },
  { title: "CALLS", align: "right" },
  { title: "" },
];

function rowOf(target: TargetExplanation, pick: PickExplanation): string[] {
  const { id, state, reason, weight, share, score, latency_ms: latency, in_flight: calls, window } = target;
  return [
    id,
    state === "ready" ? state : `${state}: ${reason}`,
    String(weight),
    percent(share),
    score.toFixed(2),
    latency === null ? "-" : `${latency.toFixed(latency < 10 ? 1 : 0)}ms`,
    `${calls}/${window}`,
    noteOf(target, pick),
  ];
}

function noteOf({ id, in_channel: inChannel, usable, eligible }: TargetExplanation, pick: PickExplanation): string {
  if (!inChannel) return "other channel";
  if (pick.kind === "target" && pick.target === id) return "next";
  if (pick.kind === "chances") return percent(pick.chances[id] ?? 0);
  if (eligible) return "";
  return usable ? "full" : "out";
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}
