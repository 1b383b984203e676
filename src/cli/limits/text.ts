import type { Explanation, LimitExplanation, LimitsExplanation } from "../../plan/explanation.ts";
import type { DelayRange } from "../../plan/limits/retry-delay.ts";
import { amount } from "../numbers.ts";
import { counted, wrapped } from "../print.ts";
import { type Column, tableText } from "../table.ts";

/** Whether limits let a request in, and what is left of each that it counts against. */
export function limitsExplanationText({ limits, refusal, total_items: total }: Explanation, width: number): string {
  if (limits !== undefined) return `${limitsLines(limits, width).join("\n")}\n`;
  if (total === 0) return refusal === null ? "there is no item in it\n" : `it is refused: ${refusal.message}\n`;
  return "global.rate_limiting is not set: nothing is limited\n";
}

/** The lines of it, each of at most `width` characters where words allow it. */
export function limitsLines(limits: LimitsExplanation, width: number): string[] {
  const { total, keys, keys_left_out: leftOut, key } = limits;
  const rows: ExplainedLimitRow[] = [
    { ...total, name: "(everything)" },
    ...keys.map((one) => ({ ...one, name: `${key} ${one.key}` })),
  ];
  const table = tableText(COLUMNS, rows, { isTty: true, columns: Math.max(20, width - 4) });
  return [
    ...wrapped(`limits: ${fateOf(limits)}`, width, 4),
    ...table
      .trimEnd()
      .split("\n")
      .map((row) => `    ${row}`),
    ...(leftOut > 0 ? [`    and ${counted(leftOut, "key")} more`] : []),
  ];
}

type ExplainedLimitRow = LimitExplanation & { readonly name: string };

const COLUMNS: readonly Column<ExplainedLimitRow>[] = [
  { title: "COUNTED AS", wraps: true, of: ({ name }) => name },
  { title: "ITEMS", align: "right", of: ({ items }) => amount(items) },
  { title: "LIMIT", align: "right", of: ({ limit }) => amount(limit) },
  { title: "GRANTED", align: "right", of: ({ granted }) => amount(granted) },
  { title: "LEFT", align: "right", of: ({ left }) => amount(left) },
  { title: "SET BY", wraps: true, of: ({ setting }) => setting },
];

function fateOf(limits: LimitsExplanation): string {
  const { outcome, items, shed_items: shed, why, wait_ms: waitMs, retry_after_ms: told, shared } = limits;
  const what = counted(items, "item");
  const by = shared ? "; what is left is that of the process that was asked" : "";
  if (outcome === "let_in") return `${what} would be let in: ${why}${by}`;
  if (outcome === "shed") {
    const rest = `${what} would be let in but for ${shed}, which are lost for good and told so (mixed: shed)`;
    return `${rest}: ${why}${by}`;
  }
  const when = waitMs === null ? "nothing is granted yet" : `there is something left again in ${seconds(waitMs)}`;
  const later = told === null ? "" : `; its sender would be told to wait ${spanOf(told)}`;
  return `${what} would be refused, to be sent again (over_limit): ${why}; ${when}${later}${by}`;
}

function spanOf({ least, most }: DelayRange): string {
  return `${seconds(least).replace(/ s$/u, "")} to ${seconds(most)}`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toPrecision(3))} s`;
}
