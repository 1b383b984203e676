import { RE2JS } from "re2js";
import type { Matcher, MatcherTest } from "../../condition-type.ts";
import { compileGlob, splitGlob } from "../../glob.ts";
import { plainRegex } from "./plain-regex.ts";
import { isDeadRegex } from "./dead-regex.ts";

/** What values a subject of conditions can have. */
export interface Domain {
  /** May be a list, or stand on several data points of a metric: then two conditions can be met by two elements. */
  readonly many: boolean;
  /** Never a number or a boolean. */
  readonly textOnly: boolean;
  /** An empty text counts as missing. */
  readonly nonEmpty: boolean;
  /** May be missing. */
  readonly optional: boolean;
}

/** What a matcher asks of its subject, in a form in which two can be compared. */
export type Need = { readonly kind: "missing" } | { readonly kind: "present" } | ValueNeed;

/** One element must meet all of it: undefined and empty ask for nothing. */
export interface ValueNeed {
  readonly kind: "value";
  /** The only texts that are possible. */
  readonly texts: ReadonlySet<string> | undefined;
  /** Texts between asterisks, as splitGlob gives them: two or more. */
  readonly globs: readonly (readonly string[])[];
  readonly regexes: readonly string[];
  /** Set: it must be a number within. */
  readonly range: NumberRange | undefined;
}

export interface NumberRange {
  readonly from: number;
  readonly fromOpen: boolean;
  readonly to: number;
  readonly toOpen: boolean;
}

/** The need of a matcher; undefined when nothing in the domain meets it. */
export function needOf(match: Matcher, domain: Domain): Need | undefined {
  if (match.tests.some((test) => test.op === "exists" && !test.want)) {
    return domain.optional ? { kind: "missing" } : undefined;
  }
  let need: ValueNeed = ANY_VALUE;
  let asked = false;
  for (const test of match.tests) {
    if (test.op === "exists") continue;
    asked = true;
    need = joinValues(need, testNeed(test));
  }
  // To be there is to be a text here, so that the glob * asks for no more than `exists`.
  if (!asked || (domain.textOnly && isAnyValue(need))) return { kind: "present" };
  return settle(need, domain);
}

/** What both ask of one and the same element; undefined when nothing meets both. */
export function joinNeeds(a: Need, b: Need, domain: Domain): Need | undefined {
  if (a.kind === "missing" || b.kind === "missing") return a.kind === b.kind ? a : undefined;
  if (a.kind === "present") return b;
  return b.kind === "present" ? a : settle(joinValues(a, b), domain);
}

/** Whether all that meets `a` meets `b`: `false` also means that it is not known. */
export function impliesNeed(a: Need, b: Need): boolean {
  if (a.kind === "missing" || b.kind === "missing") return a.kind === b.kind;
  if (b.kind === "present") return true;
  return a.kind === "value" && impliesValue(a, b);
}

const ANY_VALUE: ValueNeed = { kind: "value", texts: undefined, globs: [], regexes: [], range: undefined };
const EVERYWHERE: NumberRange = {
  from: Number.NEGATIVE_INFINITY,
  fromOpen: false,
  to: Number.POSITIVE_INFINITY,
  toOpen: false,
};

function isAnyValue({ texts, globs, regexes, range }: ValueNeed): boolean {
  return texts === undefined && globs.length === 0 && regexes.length === 0 && range === undefined;
}

function testNeed(test: Exclude<MatcherTest, { op: "exists" }>): ValueNeed {
  switch (test.op) {
    case "equals":
      return oneOf([String(test.value)]);
    case "in":
      return oneOf(test.values.map(String));
    case "contains":
      return fitting(["", test.text, ""]);
    case "glob":
      return fitting(splitGlob(test.pattern));
    case "regex": {
      const parts = plainRegex(test.pattern);
      return parts === undefined ? { ...ANY_VALUE, regexes: [test.pattern] } : fitting(parts);
    }
    case "gt":
    case "gte":
      return { ...ANY_VALUE, range: { ...EVERYWHERE, from: test.value, fromOpen: test.op === "gt" } };
    case "lt":
    case "lte":
      return { ...ANY_VALUE, range: { ...EVERYWHERE, to: test.value, toOpen: test.op === "lt" } };
  }
}

function oneOf(texts: readonly string[]): ValueNeed {
  return { ...ANY_VALUE, texts: new Set(texts) };
}

function fitting(parts: readonly string[]): ValueNeed {
  if (parts.length === 1) return oneOf(parts);
  return parts.every((part) => part === "") ? ANY_VALUE : { ...ANY_VALUE, globs: [parts] };
}

function joinValues(a: ValueNeed, b: ValueNeed): ValueNeed {
  const { texts } = a;
  return {
    kind: "value",
    texts: texts !== undefined && b.texts !== undefined ? texts.intersection(b.texts) : (texts ?? b.texts),
    globs: [...a.globs, ...b.globs],
    regexes: [...new Set([...a.regexes, ...b.regexes])],
    range: a.range !== undefined && b.range !== undefined ? joinRanges(a.range, b.range) : (a.range ?? b.range),
  };
}

function joinRanges(a: NumberRange, b: NumberRange): NumberRange {
  const fromA = a.from > b.from || (a.from === b.from && a.fromOpen);
  const toA = a.to < b.to || (a.to === b.to && a.toOpen);
  return {
    ...(fromA ? { from: a.from, fromOpen: a.fromOpen } : { from: b.from, fromOpen: b.fromOpen }),
    ...(toA ? { to: a.to, toOpen: a.toOpen } : { to: b.to, toOpen: b.toOpen }),
  };
}

/** The need with only those texts that meet all of it; undefined when it is known that nothing does. */
function settle(need: ValueNeed, { textOnly, nonEmpty }: Domain): ValueNeed | undefined {
  if (need.range !== undefined && (textOnly || isEmptyRange(need.range))) return undefined;
  if (need.texts === undefined) return isHopeless(need, nonEmpty) ? undefined : need;
  const texts = [...need.texts].filter((text) => (text !== "" || !nonEmpty) && isPossible(text, need));
  return texts.length === 0 ? undefined : { ...need, texts: new Set(texts) };
}

function isEmptyRange({ from, fromOpen, to, toOpen }: NumberRange): boolean {
  return from > to || (from === to && (fromOpen || toOpen));
}

function isHopeless({ globs, regexes }: ValueNeed, nonEmpty: boolean): boolean {
  return regexes.some((pattern) => isDeadRegex(pattern, nonEmpty)) || globs.some((a, i) => clashes(a, globs, i));
}

/** Two globs whose ends differ have no text in common. */
function clashes(a: readonly string[], globs: readonly (readonly string[])[], i: number): boolean {
  return globs.slice(0, i).some((b) => {
    const [startA = "", startB = "", endA = "", endB = ""] = [a[0], b[0], a.at(-1), b.at(-1)];
    const startsFit = startA.startsWith(startB) || startB.startsWith(startA);
    return !startsFit || !(endA.endsWith(endB) || endB.endsWith(endA));
  });
}

/** Whether a value with this text can meet the rest of the need. */
function isPossible(text: string, { globs, regexes, range }: ValueNeed): boolean {
  if (!globs.every((parts) => fitsGlob(parts, text)) || !regexes.every((pattern) => fitsRegex(pattern, text)))
    return false;
  return range === undefined || numbersOf(text).some((value) => isWithin(value, range));
}

function fitsGlob(parts: readonly string[], text: string): boolean {
  return compileGlob(parts.map(escapeGlob).join("*"))(text);
}

function escapeGlob(part: string): string {
  return part.replaceAll(/[\\*]/gu, String.raw`\$&`);
}

const compiled = new Map<string, RE2JS>();
/** Compiling takes some 15 us, matching less than one; a compiled pattern may be large, so few are kept. */
export const MAX_COMPILED = 512;

function fitsRegex(pattern: string, text: string): boolean {
  let regex = compiled.get(pattern);
  if (regex === undefined) {
    regex = RE2JS.compile(pattern);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(pattern, regex);
  }
  return regex.matcher(text).find();
}

/** The numbers that print as this text. */
function numbersOf(text: string): (number | bigint)[] {
  const number = Number(text);
  if (String(number) === text) return [number];
  return /^-?\d+$/u.test(text) && String(BigInt(text)) === text ? [BigInt(text)] : [];
}

function isWithin(value: number | bigint, { from, fromOpen, to, toOpen }: NumberRange): boolean {
  return (fromOpen ? value > from : value >= from) && (toOpen ? value < to : value <= to);
}

function impliesValue(a: ValueNeed, b: ValueNeed): boolean {
  if (b.texts !== undefined && (a.texts === undefined || !a.texts.isSubsetOf(b.texts))) return false;
  if (b.range !== undefined && !impliesRange(a, b.range)) return false;
  return b.globs.every((glob) => impliesGlob(a, glob)) && b.regexes.every((pattern) => impliesRegex(a, pattern));
}

/** Texts alone say nothing of numbers: "500" may be a text. */
function impliesRange({ texts, range }: ValueNeed, wanted: NumberRange): boolean {
  if (range === undefined) return false;
  if (texts !== undefined) {
    return [...texts].every((text) =>
      numbersOf(text).every((value) => !isWithin(value, range) || isWithin(value, wanted)),
    );
  }
  const joined = joinRanges(range, wanted);
  return (
    joined.from === range.from &&
    joined.fromOpen === range.fromOpen &&
    joined.to === range.to &&
    joined.toOpen === range.toOpen
  );
}

function impliesGlob({ texts, globs }: ValueNeed, wanted: readonly string[]): boolean {
  if (texts !== undefined) return [...texts].every((text) => fitsGlob(wanted, text));
  return globs.some((parts) => isNarrower(parts, wanted));
}

/**
 * Whether all texts of one glob fit the other. A character that is in neither stands for each asterisk of the narrower: only
 * an asterisk of the wider can take it, and then takes whatever stands in its place.
 */
function isNarrower(parts: readonly string[], wider: readonly string[]): boolean {
  const all = [...parts, ...wider].join("");
  let code = 0xe0_00;
  while (all.includes(String.fromCharCode(code))) code++;
  return fitsGlob(wider, parts.join(String.fromCharCode(code)));
}

function impliesRegex({ texts, regexes }: ValueNeed, wanted: string): boolean {
  if (regexes.includes(wanted)) return true;
  return texts !== undefined && [...texts].every((text) => fitsRegex(wanted, text));
}
