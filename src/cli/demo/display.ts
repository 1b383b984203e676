import type { Clock } from "../../core/clock.ts";
import type { Io, Output } from "../command.ts";
import type { Events } from "./events.ts";
import { paint } from "./line.ts";
import { eventText, introText, progressLine } from "./progress.ts";
import { renderView } from "./render.ts";
import { Screen } from "./screen.ts";
import type { DemoView } from "./view.ts";

/** Where the demo shows what happens. Closing it leaves the terminal as it was. */
export interface Display extends Disposable {
  /** Called a few times a second. `view` is only asked for when it is shown. */
  show(view: () => DemoView): void;
}

const FRAME_MS = 200;
const PROGRESS_MS = 2_000;
/** Events that stay to be read when the live view is gone. */
const KEPT_EVENTS = 20;

/** A live view on a terminal; lines of text elsewhere, and on terminals that cannot move the cursor. */
export function openDisplay({ stdout, env, clock }: Io, events: Events): Display {
  if (!stdout.isTty || env["TERM"] === "dumb") return progressDisplay(stdout, clock, events);
  return liveDisplay(stdout, clock, events, (env["NO_COLOR"] ?? "") === "");
}

function liveDisplay(output: Output, clock: Clock, events: Events, colour: boolean): Display {
  const screen = new Screen(output);
  let nextMs = -Infinity;
  return {
    show(view) {
      if (clock.nowMs() < nextMs) return;
      nextMs = clock.nowMs() + FRAME_MS;
      // The last column stays free: a terminal that waits to wrap there would erase what stands in it.
      const columns = sizeOr(output.columns, 80) - 1;
      const lines = renderView(view(), { columns, rows: sizeOr(output.rows, 24) });
      screen.draw(lines.map((line) => paint(line, columns, colour)));
    },
    [Symbol.dispose]() {
      screen[Symbol.dispose]();
      output.write(events.takeNew().slice(-KEPT_EVENTS).map(eventText).join("")); // what people saw is gone otherwise
    },
  };
}

/** Terminals that do not know their size say 0. */
function sizeOr(size: number | undefined, usual: number): number {
  return size === undefined || size < 2 ? usual : size;
}

function progressDisplay(output: Output, clock: Clock, events: Events): Display {
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
