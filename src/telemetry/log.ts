import type { Clock } from "../core/clock.ts";
import { type Hide, HIDE_NOTHING, hideIn } from "../core/hide.ts";
import { isoTime } from "../core/iso-time.ts";
import { type EventKind, eventKind } from "./event-kind.ts";
import { EventRing, type Events } from "./event-ring.ts";
import { redact } from "./redact.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
type LogLevel = (typeof LOG_LEVELS)[number];
/** `kind`: of what a fleet must know. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly kind?: EventKind };

/**
 * Events for operators. The message is constant, data goes into the fields; never one line for each
 * item. info: an operator did or must know it. warn: recovered. error: data lost, or somebody must
 * act.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /**
   * A log that adds these fields to each of its lines. Shares level, output and limits with its
   * parent.
   */
  child(fields: LogFields): Log;
  /**
   * For what may repeat without end: the log itself at most once in `everyMs` for each key,
   * otherwise undefined; the next line then carries how many were `suppressed`.
   * `log.limited("x", 10_000)?.warn("...")`.
   */
  limited(key: string, everyMs: number): Log | undefined;
}

/** The owner's end of a log. */
export interface RootLog extends Log {
  /** Takes effect at once, for children too. */
  level: LogLevel;
  format: "json" | "text";
  /** What texts in fields go through. */
  hide: Hide;
  /** The last lines from info on, whatever the level. */
  readonly events: Events;
}

export interface LogOptions {
  readonly clock: Clock;
  /** Gets whole lines. Must not throw. */
  readonly write: (line: string) => void;
  readonly level: LogLevel;
  readonly format: "json" | "text";
  /** Only text is coloured. */
  readonly colour: boolean;
}

/** Keys of `limited` that are remembered; the oldest is forgotten first. */
const MAX_KEYS = 1_000;

interface Sink {
  readonly options: LogOptions;
  readonly events: EventRing;
  readonly seen: Map<string, { untilMs: number; suppressed: number }>;
  level: LogLevel;
  format: "json" | "text";
  hide: Hide;
}

export function createLog(options: LogOptions): RootLog {
  const sink: Sink = {
    options,
    seen: new Map(),
    events: new EventRing(),
    level: options.level,
    format: options.format,
    hide: HIDE_NOTHING,
  };
  return {
    ...logOn(sink, {}),
    events: sink.events,
    get level() {
      return sink.level;
    },
    set level(level) {
      sink.level = level;
    },
    get format() {
      return sink.format;
    },
    set format(format) {
      sink.format = format;
    },
    get hide() {
      return sink.hide;
    },
    set hide(hide) {
      sink.hide = hide;
    },
  };
}

function logOn(sink: Sink, fixed: LogFields): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    const isWritten = LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(sink.level);
    if (!isWritten && level === "debug") return;
    const all: LogFields = { ...fixed, ...fields };
    const line = { time: isoTime(sink.options.clock.wallMs()), level, message, fields: all };
    const { format, hide, options } = sink;
    const json = format === "json" || level !== "debug" ? formatJson(line, hide) : "";
    if (level !== "debug") sink.events.add(json.trimEnd(), eventKind(line.fields["kind"]));
    if (isWritten) options.write(format === "json" ? json : formatText(line, options.colour, hide));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => logOn(sink, { ...fixed, ...fields }),
    limited: (key, everyMs) => limit(sink, fixed, key, everyMs),
  };
}

function limit(sink: Sink, fixed: LogFields, key: string, everyMs: number): Log | undefined {
  const nowMs = sink.options.clock.nowMs();
  const last = sink.seen.get(key);
  if (last !== undefined && nowMs < last.untilMs) {
    last.suppressed++;
    return undefined;
  }
  sink.seen.delete(key); // so that the map stays in the order of use
  sink.seen.set(key, { untilMs: nowMs + everyMs, suppressed: 0 });
  if (sink.seen.size > MAX_KEYS) for (const oldest of sink.seen.keys()) if (sink.seen.delete(oldest)) break;
  return logOn(sink, last === undefined || last.suppressed === 0 ? fixed : { ...fixed, suppressed: last.suppressed });
}

/** One line before it is text. */
interface LogLine {
  readonly time: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const COLOURS = { debug: "\u001B[2m", info: "\u001B[36m", warn: "\u001B[33m", error: "\u001B[31m" } as const;
const DIM = "\u001B[2m";
const RESET = "\u001B[0m";
/** The names of the line itself; a field of the same name is written with a `_` behind it. */
const OWN = new Set(["time", "level", "msg"]);

/** One line of JSON: time, level, msg, then the fields. */
function formatJson(line: LogLine, hide: Hide = HIDE_NOTHING): string {
  const out: Record<string, unknown> = { time: line.time, level: line.level, msg: line.message };
  for (const [key, value] of Object.entries(line.fields)) out[OWN.has(key) ? `${key}_` : key] = told(key, value, hide);
  return `${JSON.stringify(out)}\n`;
}

/**
 * For people: `12:34:56.789 WARN  target ejected target=a reason="5 failures"`. Always one line,
 * whatever the fields hold.
 */
function formatText(line: LogLine, colour: boolean, hide: Hide = HIDE_NOTHING): string {
  const level = line.level.toUpperCase().padEnd(5);
  const time = line.time.slice(11, 23);
  const fields = Object.entries(line.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${paint(DIM, `${key}=`, colour)}${fieldText(told(key, value, hide))}`)
    .join("");
  return `${paint(DIM, time, colour)} ${paint(COLOURS[line.level], level, colour)} ${line.message}${fields}\n`;
}

function told(key: string, value: unknown, hide: Hide): unknown {
  return hideIn(redact(key, value), hide);
}

function paint(code: string, text: string, colour: boolean): string {
  return colour ? `${code}${text}${RESET}` : text;
}

/**
 * Plain where it cannot be misread; otherwise JSON, with control characters that JSON lets through
 * made visible.
 */
function fieldText(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@%+,[\]*-]+$/u.test(value)) return value;
  const text = JSON.stringify(value);
  return text.replace(
    /[\u007F-\u009F\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
