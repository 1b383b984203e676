import { leastOf } from "../../http2/repeated.ts";

/**
 * Retry-After in milliseconds from now: seconds or a date, not below 0; undefined when absent or
 * unreadable. Of several the shortest, in one line, too.
 */
export function retryAfterMs(value: string | readonly string[] | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") return leastOf(value.map((one) => retryAfterMs(one, wallMs)));
  const whole = readOne(value, wallMs);
  if (whole !== undefined || !value.includes(",")) return whole;
  return leastOf(value.split(/,(?! \d{2}[ -])/u).map((one) => readOne(one, wallMs))); // not the comma of a date
}

function readOne(value: string, wallMs: number): number | undefined {
  const text = value.trim();
  if (/^\d{1,9}$/u.test(text)) return Number(text) * 1_000;
  const at = parseHttpDate(text, wallMs);
  return at === undefined ? undefined : Math.max(0, at - wallMs);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/u;
const RFC850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/u;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/u;

/** Milliseconds since 1970 of an HTTP-date in any of its three forms (RFC 9110, section 5.6.7). */
export function parseHttpDate(text: string, wallMs: number): number | undefined {
  const imf = IMF.exec(text);
  if (imf !== null) return toMs(Number(imf[3]), imf[2]!, imf[1]!, imf.slice(4));
  const old = RFC850.exec(text);
  if (old !== null) return toMs(fullYear(Number(old[3]), wallMs), old[2]!, old[1]!, old.slice(4));
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return toMs(Number(asctime[6]), asctime[1]!, asctime[2]!, asctime.slice(3, 6));
  return undefined;
}

/** Two digits that would be more than 50 years ahead mean the past. */
function fullYear(twoDigits: number, wallMs: number): number {
  const thisYear = 1970 + Math.floor(wallMs / 31_556_952_000);
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function toMs(year: number, monthName: string, day: string, time: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(monthName);
  if (month < 0) return undefined;
  const hours = daysFromCivil(year, month + 1, Number(day)) * 24 + Number(time[0]);
  return ((hours * 60 + Number(time[1])) * 60 + Number(time[2])) * 1_000;
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March so that
 * the leap day is last.
 */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
