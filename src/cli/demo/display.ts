import type { Clock } from "../../core/clock.ts";
import type { Io, Output } from "../command.ts";
import { grouped } from "../print.ts";
import { HOST, SERVICES } from "./cast.ts";
import type { DemoEvent, DemoEvents } from "./events.ts";
import { minutes, paint } from "./line.ts";
import { type DemoView, renderView, type TargetRow } from "./render.ts";

/** Where the demo shows what happens. Closing it leaves the terminal as it was. */
interface Display extends Disposable {
  /** Called a few times a second. `view` is only asked for when it is shown. */
  show(view: () => DemoView): void;
}

const FRAME_MS = 200;
const PROGRESS_MS = 2_000;
/** Events that stay to be read when the live view is gone. */
const KEPT_EVENTS = 20;

/**
 * A live view on a terminal; lines of text elsewhere, and on terminals that cannot move the cursor.
 */
export function openDisplay({ stdout, env, clock }: Io, events: DemoEvents): Display {
  if (!stdout.isTty || env["TERM"] === "dumb") return progressDisplay(stdout, clock, events);
  return liveDisplay(stdout, clock, events, (env["NO_COLOR"] ?? "") === "");
}

const CSI = "\u001B[";
/** Another screen, so that what was there before comes back; no cursor. */
const OPEN = `${CSI}?1049h${CSI}?25l${CSI}2J`;
const CLOSE = `${CSI}?25h${CSI}?1049l`;
/** Between these a terminal that knows them shows nothing half drawn. */
const BEGIN = `${CSI}?2026h${CSI}H`;
const END = `${CSI}J${CSI}?2026l`;
const ERASE_REST = `${CSI}K`;

/** The whole terminal, drawn over and over in place. */
function liveDisplay(output: Output, clock: Clock, events: DemoEvents, colour: boolean): Display {
  let isOpen = true;
  let nextMs = -Infinity;
  let last = "";
  const giveBack = (): void => {
    if (isOpen) output.write(CLOSE);
    isOpen = false;
    process.off("exit", giveBack);
  };
  process.once("exit", giveBack); // also when it ends by a fault, or by a second Ctrl-C
  output.write(OPEN);
  return {
    show(view) {
      if (!isOpen || clock.nowMs() < nextMs) return;
      nextMs = clock.nowMs() + FRAME_MS;
      // The last column stays free: a terminal that waits to wrap there would erase what stands in
      // it.
      const columns = sizeOr(output.columns, 80) - 1;
      const lines = renderView(view(), columns, sizeOr(output.rows, 24));
      const frame = lines.map((line) => paint(line, columns, colour) + ERASE_REST).join("\r\n");
      if (frame !== last) output.write(BEGIN + frame + END);
      last = frame;
    },
    [Symbol.dispose]() {
      giveBack();
      output.write(events.takeNew().slice(-KEPT_EVENTS).map(eventText).join("")); // what people saw is gone otherwise
    },
  };
}

/** Terminals that do not know their size say 0. */
function sizeOr(size: number | undefined, usual: number): number {
  return size === undefined || size < 2 ? usual : size;
}

function progressDisplay(output: Output, clock: Clock, events: DemoEvents): Display {
  let nextMs: number | undefined;
  const tell = (): void => output.write(events.takeNew().map(eventText).join(""));
  return {
    show(view) {
      if (nextMs === undefined) output.write(introText(view()));
      tell();
      if (nextMs !== undefined && clock.nowMs() < nextMs) return;
      if (nextMs !== undefined) output.write(progressLine(view()));
      nextMs = clock.nowMs() + PROGRESS_MS;
    },
    [Symbol.dispose]: tell,
  };
}

/** What is told first where no terminal is: what runs where, and what the rules say. */
function introText({ addresses, rules, targets }: DemoView): string {
  const { grpc, http, admin } = addresses;
  const ports = targets.map(({ facts, port }) => `  ${facts.id.padEnd(10)}${facts.protocol}, ${HOST}:${port}`);
  const takes = rules.map(({ id, says, pool }) => `  ${id.padEnd(13)}${says.padEnd(22)}to pool ${pool}`);
  return [
    `signalbox demo: ${SERVICES.length} services, one router, ${targets.length} targets`,
    `router listens: OTLP/gRPC ${grpc}, OTLP/HTTP ${http}, admin http://${admin}`,
    "targets:",
    ...ports,
    "rules:",
    ...takes,
    "",
  ].join("\n");
}

/** One line, for places where nothing can be drawn over. */
function progressLine({ elapsedMs, itemsPerSecond, targets, ledger }: DemoView): string {
  const each = targets.map(targetText).join(", ");
  const verdict = ledger.balanced ? "balanced" : "NOT BALANCED";
  const sum = `delivered ${grouped(ledger.delivered)}, ledger ${verdict}`;
  return `${minutes(elapsedMs)}  ${grouped(itemsPerSecond)} items/s: ${each}; ${sum}\n`;
}

function eventText({ atMs, text }: DemoEvent): string {
  return `${minutes(atMs)}  * ${text}\n`;
}

function targetText({ facts, running, state, itemsPerSecond }: TargetRow): string {
  const seen = running && state === "ready" ? grouped(itemsPerSecond) : running ? state : `stopped (${state})`;
  return `${facts.id} ${seen}`;
}
