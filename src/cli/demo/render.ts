import { type Line, piece } from "./line.ts";
import { count, minutes } from "./numbers.ts";
import { ruleTable, targetTable } from "./render-tables.ts";
import type { DemoEvent, DemoView, LedgerTotals } from "./view.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The live view: at most `rows` lines, made for `columns`. Pure. */
export function renderView(view: DemoView, { columns, rows }: Size): Line[] {
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

export function eventLine({ atMs, tone, text }: DemoEvent): Line {
  return [piece(`${minutes(atMs).padStart(5)}  `, "dim"), piece(text, tone)];
}

function headerLines(
  { addresses, elapsedMs, durationMs, services, itemsPerSecond }: DemoView,
  columns: number,
): Line[] {
  const time = durationMs === Infinity ? minutes(elapsedMs) : `${minutes(elapsedMs)} / ${minutes(durationMs)}`;
  const load = columns < 60 ? "" : `${services} services send ${count(itemsPerSecond)} items/s`;
  const title = "signalbox demo";
  const gap = " ".repeat(Math.max(2, columns - title.length - load.length - time.length - 4));
  const { grpc, http, admin } = addresses;
  const where: Line[] =
    columns < 76
      ? [[piece(`gRPC ${grpc}  HTTP ${http}`)], [piece(`admin http://${admin}`)]]
      : [[piece(`OTLP/gRPC ${grpc}  OTLP/HTTP ${http}  admin ${columns < 100 ? "" : "http://"}${admin}`)]];
  return [[piece(title, "bold"), piece(`  ${load}`), piece(`${gap}${time}`, "dim")], ...where];
}

function ledgerLine({ received, copied, delivered, queued, other, balanced }: LedgerTotals, columns: number): Line {
  const verdict = balanced ? "balanced ✓" : "NOT balanced ✗";
  const more = other === 0 ? "" : ` + other ${count(other)}`;
  const long = `received ${count(received)} + copied ${count(copied)} = delivered ${count(delivered)} + queued ${count(queued)}${more}`;
  const short = `in ${count(received + copied)} = out ${count(delivered + other)} + queued ${count(queued)}`;
  const head = `ledger ${verdict}  `;
  const sum = head.length + long.length <= columns ? long : short;
  return [piece("ledger "), piece(verdict, balanced ? "good" : "bad"), piece(`  ${sum}`)];
}
