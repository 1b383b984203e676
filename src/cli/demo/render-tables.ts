import type { TargetId } from "./cast.ts";
import { bar } from "./bar.ts";
import { cell, type Line, piece, type Piece } from "./line.ts";
import { count } from "./numbers.ts";
import type { DemoView, RuleRow, TargetRow } from "./view.ts";

const RULE_WIDTH = 12;
const SAYS_WIDTH = 20;
const POOL_WIDTH = 10;

/** Rules as rows, targets as columns: how many items a second flow from each to each. */
export function ruleTable({ rules, targets }: DemoView, columns: number): Line[] {
  const shape = ruleShape(columns, targets.length);
  const ids = targets.map(({ facts }) => facts.id);
  const numbers = ["ITEMS/S", ...ids].slice(shape.sum > 0 ? 0 : 1);
  const head = `${ruleText("RULE", "TAKES", "POOL", shape)}${numbers.map((name) => cell(name, shape.rate, "right")).join("")}`;
  return [[piece(head, "dim")], ...rules.map((row) => ruleLine(row, ids, shape))];
}

/** Columns for each part; 0: left out. */
interface RuleShape {
  readonly says: number;
  readonly pool: number;
  /** All targets together. */
  readonly sum: number;
  /** One target. */
  readonly rate: number;
}

function ruleShape(columns: number, targets: number): RuleShape {
  const rate = columns < 100 ? 9 : 10;
  const spare = columns - RULE_WIDTH - rate * (targets + 1);
  return {
    says: spare >= SAYS_WIDTH ? SAYS_WIDTH : 0,
    pool: spare >= SAYS_WIDTH + POOL_WIDTH ? POOL_WIDTH : 0,
    sum: spare >= 0 ? rate : 0,
    rate,
  };
}

function ruleLine({ id, says, pool, perTarget }: RuleRow, ids: readonly TargetId[], shape: RuleShape): Line {
  const sum = ids.reduce((all, target) => all + perTarget[target], 0);
  const flows = ids.map((target): Piece => {
    const rate = perTarget[target];
    const shown = cell(rate < 0.5 ? "·" : count(rate), shape.rate, "right");
    return piece(shown, rate < 0.5 ? "dim" : "accent");
  });
  return [piece(ruleText(id, says, pool, shape)), piece(cell(count(sum), shape.sum, "right"), "bold"), ...flows];
}

function ruleText(rule: string, says: string, pool: string, shape: RuleShape): string {
  return `${cell(rule, RULE_WIDTH)}${cell(says, shape.says)}${cell(pool, shape.pool)}`;
}

const ID_WIDTH = 10;
const TOTAL_WIDTH = 10;
const RATE_WIDTH = 9;

/** Each target with what the router thinks of it, and what it got. */
export function targetTable({ targets }: DemoView, columns: number): Line[] {
  const where = columns < 100 ? 0 : 24;
  const state = columns < 60 ? 14 : 36;
  const spare = columns - ID_WIDTH - where - state - RATE_WIDTH - TOTAL_WIDTH - 2;
  const barWidth = spare < 5 ? 0 : Math.min(spare, 40);
  const most = Math.max(1, ...targets.map(({ itemsPerSecond }) => itemsPerSecond));
  const right = (rate: string, total: string): string =>
    `${cell(rate, RATE_WIDTH, "right")}${cell(total, TOTAL_WIDTH, "right")}  `;
  const head = `${cell("TARGET", ID_WIDTH)}${cell("", where)}${cell("STATE", state)}${right("ITEMS/S", "TOTAL")}`;
  const rows = targets.map((target): Line => {
    const { facts, port, itemsPerSecond, total } = target;
    return [
      piece(cell(facts.id, ID_WIDTH)),
      piece(cell(`${facts.protocol === "grpc" ? "gRPC" : "HTTP"} 127.0.0.1:${port}`, where), "dim"),
      statePiece(target, state),
      piece(right(count(itemsPerSecond), count(total))),
      piece(bar(itemsPerSecond / most, barWidth), "accent"),
    ];
  });
  return [[piece(head, "dim")], ...rows];
}

/** What the demo did to it, and what the router knows of that. */
function statePiece({ running, state, nextTryInMs }: TargetRow, width: number): Piece {
  if (running && state === "ready") return piece(cell("● ready", width), "good");
  const next = nextTryInMs === undefined ? "" : `, try in ${Math.max(0, nextTryInMs / 1_000).toFixed(1)} s`;
  return piece(cell(`${running ? "◐" : "○ stopped,"} ${state}${next}`, width), "bad");
}
