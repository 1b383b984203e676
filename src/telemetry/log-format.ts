import { HIDE_NOTHING, type Hide, hideIn } from "../core/hide.ts";
import { redact } from "./redact.ts";

/** One line before it is text. */
export interface LogLine {
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
export function formatJson(line: LogLine, hide: Hide = HIDE_NOTHING): string {
  const out: Record<string, unknown> = { time: line.time, level: line.level, msg: line.message };
  for (const [key, value] of Object.entries(line.fields)) out[OWN.has(key) ? `${key}_` : key] = told(key, value, hide);
  return `${JSON.stringify(out)}\n`;
}

/**
 * For people: `12:34:56.789 WARN  target ejected target=a reason="5 failures"`. Always one line,
 * whatever the fields hold.
 */
export function formatText(line: LogLine, colour: boolean, hide: Hide = HIDE_NOTHING): string {
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
