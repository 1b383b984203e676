import type {
  ConditionExplanation,
  Explanation,
  ItemExplanation,
  ItemSummary,
  PickExplanation,
  PlaceExplanation,
  RuleExplanation,
  SamplingExplanation,
  TargetExplanation,
} from "../../plan/explanation.ts";
import { limitsLines } from "../limits/text.ts";
import { inOneLine, wrapped } from "../print.ts";
import { type Column, tableText } from "../table.ts";

/**
 * An explanation for people, one block for each item, in lines of at most `width` characters where
 * words allow it.
 */
export function explanationText(explanation: Explanation, width: number): string {
  const { refusal, items, limits, passed_through: passed, total_items: total, signal } = explanation;
  const head =
    refusal === null ? [] : wrapped(`the request is refused (${refusal.reason}): ${refusal.message}`, width, 2);
  const blocks = items.map((item) => itemLines(item, total, width).join("\n"));
  if (limits !== undefined) blocks.unshift(limitsLines(limits, width).join("\n"));
  if (passed !== undefined) blocks.unshift(wrapped(passed, width, 2).join("\n"));
  if (head.length > 0) blocks.unshift(head.join("\n"));
  if (total === 0 && head.length === 0) blocks.push(`there is no item in it (${signal})`);
  if (items.length < total) blocks.push(`${items.length} of ${total} items are explained; --items tells more`);
  return `${blocks.join("\n\n")}\n`;
}

/** Of each item whether sampling keeps it, and why. */
export function samplingExplanationText({ refusal, items, signal }: Explanation, width: number): string {
  if (refusal !== null && items.length === 0) return `the request is refused: ${refusal.message}\n`;
  const lines = items.flatMap(({ item, sampling }) => [
    ...wrapped(itemTitle(item), width, 4),
    ...wrapped(`  ${sampling === undefined ? `kept: no ${signal} are sampled` : samplingText(sampling)}`, width, 4),
  ]);
  return `${lines.join("\n")}\n`;
}

/** A few words for one item. */
export function itemTitle({ kind, name, service, region, trace_id: trace }: ItemSummary): string {
  const facts = [`service ${service}`, `region ${region}`, ...(trace === "" ? [] : [`trace ${trace}`])];
  return inOneLine(`${kind}${name === "" ? "" : ` ${JSON.stringify(name)}`}: ${facts.join(", ")}`);
}

function itemLines(told: ItemExplanation, total: number, width: number): string[] {
  const which = total > 1 ? `${told.item.index + 1} of ${total}, ` : "";
  return [
    ...wrapped(`${which}${itemTitle(told.item)}`, width, 4),
    ...(told.sampling === undefined ? [] : wrapped(`  sampling: ${samplingText(told.sampling)}`, width, 4)),
    "  rules, in the order in which they are tried:",
    ...told.rules.flatMap((rule) => ruleLines(rule, width)),
    ...(told.rules_left_out > 0 ? [`    and ${told.rules_left_out} more that do not match`] : []),
    ...told.copies.flatMap((place) => placeLines("a copy goes", place, width)),
    ...(told.place === null ? [] : placeLines("it goes", told.place, width)),
    ...(told.unmatched === null ? [] : [`  no rule takes it: it is ${UNMATCHED[told.unmatched]}`]),
  ];
}

/** What sampling makes of an item, in a few words. */
export function samplingText(told: SamplingExplanation): string {
  const { class: name, kept, why, probability, reason, threshold, randomness, arrival, dry_run: dryRun } = told;
  const came = arrival === null || arrival === 1 ? "" : `, it came with ${percent(arrival)}`;
  const by = `threshold ${threshold === "" ? "none" : threshold}, randomness ${randomness ?? "none"}${came}`;
  const fate = kept ? "kept" : dryRun ? "would be dropped (dry_run)" : "dropped";
  return `${fate}: class ${name} is kept at ${percent(probability)} (${reason}); ${why} (${by})`;
}

const UNMATCHED = { refuse: "refused (unmatched: refuse)", drop: "dropped (unmatched: drop)" } as const;

const MARKS = {
  takes: "=>",
  copies: "=+",
  passed_over: "->",
  no_match: "- ",
  not_asked: "  ",
  other_signal: "  ",
} as const;

function ruleLines({ rule, mode, pool, outcome, why, condition }: RuleExplanation, width: number): string[] {
  const about = outcome === "other_signal" ? "" : ` (${mode === "copy" ? "copy, " : ""}pool ${pool})`;
  const head = wrapped(`    ${MARKS[outcome]} ${rule}${about}: ${why}`, width, 9);
  return condition === null || (condition.text === "all of" && condition.parts.length === 0)
    ? head
    : [...head, ...topLevel(condition).flatMap((one) => conditionLines(one, 9, width))];
}

/** All conditions of a rule hold, or it does not match: that needs no line of its own. */
function topLevel(condition: ConditionExplanation): readonly ConditionExplanation[] {
  return condition.text === "all of" ? condition.parts : [condition];
}

function conditionLines({ holds, text, seen, parts }: ConditionExplanation, indent: number, width: number): string[] {
  const answer = holds ? "yes" : "no ";
  const line = `${" ".repeat(indent)}${answer} ${text}${seen === null ? "" : `; it is ${seen}`}`;
  return [...wrapped(line, width, indent + 6), ...parts.flatMap((part) => conditionLines(part, indent + 4, width))];
}

/** Where an item goes, for people; `verb` begins the sentence. */
function placeLines(verb: string, place: PlaceExplanation, width: number): string[] {
  const { rule, pool, strategy, refusal, channel, queued_items: queued, targets, pick } = place;
  // Between lines that are broken, so is it.
  const table = tableText(columnsOf(pick), targets, { isTty: true, columns: Math.max(20, width - 4) });
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

function columnsOf(pick: PickExplanation): Column<TargetExplanation>[] {
  return [
    { title: "TARGET", wraps: true, of: ({ id }) => id },
    { title: "STATE", wraps: true, of: ({ state, reason }) => (state === "ready" ? state : `${state}: ${reason}`) },
    { title: "WEIGHT", align: "right", of: ({ weight }) => String(weight) },
    { title: "SHARE", align: "right", of: ({ share }) => percent(share) },
    { title: "LOAD", align: "right", of: ({ score }) => score.toFixed(2) },
    {
      title: "LATENCY",
      align: "right",
      of: ({ latency_ms: ms }) => (ms === null ? "-" : `${ms.toFixed(ms < 10 ? 1 : 0)}ms`),
    },
    { title: "CALLS", align: "right", of: ({ in_flight: calls, window }) => `${calls}/${window}` },
    { title: "", of: (target) => noteOf(target, pick) },
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
  return `${Number(share >= 0.01 ? (share * 100).toFixed(1) : (share * 100).toPrecision(3))}%`;
}
