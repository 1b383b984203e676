import type { TargetState } from "../../plan/data-plane.ts";
import { grouped as count } from "../print.ts";
import { fit } from "../table.ts";
import { HOST, type RouterAddresses, type RULES, SERVICES, type DemoTargetFacts } from "./cast.ts";
import type { DemoEvent } from "./events.ts";
import { bar, type Line, minutes, piece, type Piece } from "./line.ts";

/** All that the demo shows at one moment. Rates are items a second. */
export interface DemoView {
  readonly addresses: RouterAddresses;
  readonly elapsedMs: number;
  /** Infinity: until it is stopped. */
  readonly durationMs: number;
  /** What happens now, in a sentence. */
  readonly caption: string;
  readonly itemsPerSecond: number;
  /** `perTarget`: in the order of the targets. */
  readonly rules: readonly ((typeof RULES)[number] & { readonly perTarget: readonly number[] })[];
  readonly targets: readonly TargetRow[];
  readonly ledger: LedgerTotals;
  /** Oldest first. */
  readonly events: readonly DemoEvent[];
}

export interface TargetRow {
  readonly facts: DemoTargetFacts;
  readonly port: number;
  /** Whether the demo lets it run. */
  readonly running: boolean;
  /** As the router sees it. */
  readonly state: TargetState;
  /** undefined: no try is planned. */
  readonly nextTryInMs: number | undefined;
  readonly itemsPerSecond: number;
  readonly total: number;
}

/**
 * The ledger, all signals together. received + copied = delivered + queued + other, when it is
 * balanced.
 */
export interface LedgerTotals {
  readonly received: number;
  readonly copied: number;
  readonly delivered: number;
  readonly queued: number;
  /** Rejected, dead-lettered, dropped, shed and lost. */
  readonly other: number;
  readonly balanced: boolean;
}

/** The live view: at most `rows` lines, made for `columns`. Pure. */
export function renderView(view: DemoView, columns: number, rows: number): Line[] {
  const fixed = [
    [...headerLines(view, columns), [piece(view.caption, "accent")]],
    ruleTable(view, columns),
    targetTable(view, columns),
    [ledgerLine(view.ledger, columns)],
  ];
  const needed = fixed.reduce((sum, section) => sum + section.length, 0);
  // Empty lines only where there is room for them and a few events.
  const spaced = rows >= needed + fixed.length + 4;
  const above = fixed.flatMap((section) => (spaced ? [...section, []] : section));
  const room = Math.max(0, rows - above.length);
  const events = view.events.slice(Math.max(0, view.events.length - room)).map(eventLine);
  return [...above, ...events].slice(0, rows);
}

function eventLine({ atMs, tone, text }: DemoEvent): Line {
  return [piece(`${minutes(atMs).padStart(5)}  `, "dim"), piece(text, tone)];
}

function headerLines({ addresses, elapsedMs, durationMs, itemsPerSecond }: DemoView, columns: number): Line[] {
  const time = durationMs === Infinity ? minutes(elapsedMs) : `${minutes(elapsedMs)} / ${minutes(durationMs)}`;
  const load = columns < 60 ? "" : `${SERVICES.length} services send ${count(itemsPerSecond)} items/s`;
  const title = "signalbox demo";
  const gap = " ".repeat(Math.max(2, columns - title.length - load.length - time.length - 4));
  const { grpc, http, admin } = addresses;
  const where: Line[] =
    columns < 76
      ? [[piece(`gRPC ${grpc}  HTTP ${http}`)], [piece(`admin http://${admin}`)]]
      : [[piece(`OTLP/gRPC ${grpc}  OTLP/HTTP ${http}  admin ${columns < 100 ? "" : "http://"}${admin}`)]];
  return [[piece(title, "bold"), piece(`  ${load}`), piece(`${gap}${time}`, "dim")], ...where];
}

function ledgerLine(ledger: LedgerTotals, columns: number): Line {
  const { received, copied, delivered, queued, other, balanced } = ledger;
  const verdict = balanced ? "balanced ✓" : "NOT balanced ✗";
  const long = ledgerText(ledger);
  const short = `in ${count(received + copied)} = out ${count(delivered + other)} + queued ${count(queued)}`;
  const head = `ledger ${verdict}  `;
  const sum = head.length + long.length <= columns ? long : short;
  return [piece("ledger "), piece(verdict, balanced ? "good" : "bad"), piece(`  ${sum}`)];
}

/** Where everything went. */
export function ledgerText({ received, copied, delivered, queued, other }: LedgerTotals): string {
  const sum = `received ${count(received)} + copied ${count(copied)} = delivered ${count(delivered)} + queued ${count(queued)}`;
  return other === 0 ? sum : `${sum} + other ${count(other)}`;
}

/**
 * Rules as rows, targets as columns: how many items a second flow from each to each. What has no
 * room is left out.
 */
function ruleTable({ rules, targets }: DemoView, columns: number): Line[] {
  const rate = columns < 100 ? 9 : 10;
  const spare = columns - RULE_WIDTH - rate * (targets.length + 1);
  const [says, pool] = [spare >= SAYS_WIDTH ? SAYS_WIDTH : 0, spare >= SAYS_WIDTH + POOL_WIDTH ? POOL_WIDTH : 0];
  const sum = spare >= 0 ? rate : 0;
  const left = (...[rule, takes, to]: [string, string, string]): string =>
    `${fit(rule, RULE_WIDTH)}${fit(takes, says)}${fit(to, pool)}`;
  const right = (text: string): string => fit(text, rate, "right");
  const head = `${left("RULE", "TAKES", "POOL")}${fit("ITEMS/S", sum, "right")}${targets.map(({ facts }) => right(facts.id)).join("")}`;
  const rows = rules.map((rule): Line => {
    const all = rule.perTarget.reduce((total, one) => total + one, 0);
    const flows = rule.perTarget.map((one) =>
      one < 0.5 ? piece(right("·"), "dim") : piece(right(count(one)), "accent"),
    );
    return [piece(left(rule.id, rule.says, rule.pool)), piece(fit(count(all), sum, "right"), "bold"), ...flows];
  });
  return [[piece(head, "dim")], ...rows];
}

const RULE_WIDTH = 12;
const SAYS_WIDTH = 20;
const POOL_WIDTH = 10;

/** Each target with what the router thinks of it, and what it got. */
function targetTable({ targets }: DemoView, columns: number): Line[] {
  const where = columns < 100 ? 0 : 24;
  const state = columns < 60 ? 14 : 36;
  const spare = columns - ID_WIDTH - where - state - RATE_WIDTH - TOTAL_WIDTH - 2;
  const barWidth = spare < 5 ? 0 : Math.min(spare, 40);
  const most = Math.max(1, ...targets.map(({ itemsPerSecond: rate }) => rate));
  const right = (rate: string, total: string): string =>
    `${fit(rate, RATE_WIDTH, "right")}${fit(total, TOTAL_WIDTH, "right")}  `;
  const head = `${fit("TARGET", ID_WIDTH)}${fit("", where)}${fit("STATE", state)}${right("ITEMS/S", "TOTAL")}`;
  const rows = targets.map((target): Line => {
    const { facts, port, itemsPerSecond: rate, total } = target;
    return [
      piece(fit(facts.id, ID_WIDTH)),
      piece(fit(`${facts.protocol === "grpc" ? "gRPC" : "HTTP"} ${HOST}:${port}`, where), "dim"),
      statePiece(target, state),
      piece(right(count(rate), count(total))),
      piece(bar(rate / most, barWidth), "accent"),
    ];
  });
  return [[piece(head, "dim")], ...rows];
}

const ID_WIDTH = 10;
const TOTAL_WIDTH = 10;
const RATE_WIDTH = 9;

/** What the demo did to it, and what the router knows of that. */
function statePiece({ running, state, nextTryInMs }: TargetRow, width: number): Piece {
  if (running && state === "ready") return piece(fit("● ready", width), "good");
  const next = nextTryInMs === undefined ? "" : `, try in ${Math.max(0, nextTryInMs / 1_000).toFixed(1)} s`;
  return piece(fit(`${running ? "◐" : "○ stopped,"} ${state}${next}`, width), "bad");
}
