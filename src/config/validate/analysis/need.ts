import type { Matcher, MatcherTest } from "../../condition-type.ts";
import { fitsParts, splitGlob } from "../../glob.ts";
import { fitsRegex, isDeadRegex, plainRegex } from "./regex.ts";

/** What values a subject of conditions can have. */
export interface Domain {
  /**
   * May be a list, or stand on several data points of a metric: then two conditions can be met by
   * two elements.
   */
  readonly many: boolean;
  /** Never a number or a boolean. */
  readonly textOnly: boolean;
  /** An empty text counts as missing. */
  readonly nonEmpty: boolean;
  /** May be missing. */
  readonly optional: boolean;
}

/** What a matcher asks of its subject, in a form in which two can be compared. */
export type Need =
  | { readonly kind: "missing" }
  /** One element must meet all tests; without any it is enough to be there. */
  | { readonly kind: "there"; readonly tests: readonly ValueNeed[] };

export type ValueNeed =
  | { readonly kind: "texts"; readonly texts: ReadonlySet<string> }
  /** Texts between asterisks, as splitGlob gives them: two or more. */
  | { readonly kind: "glob"; readonly parts: readonly string[] }
  | { readonly kind: "regex"; readonly pattern: string }
  /** A number, on this side of the value. */
  | NumberBound;

interface NumberBound {
  readonly kind: "bound";
  readonly op: "gt" | "gte" | "lt" | "lte";
  readonly value: number;
}

/** The need of a matcher; undefined when nothing in the domain meets it. */
export function needOf(match: Matcher, domain: Domain): Need | undefined {
  if (match.tests.some((test) => test.op === "exists" && !test.want)) {
    return domain.optional ? { kind: "missing" } : undefined;
  }
  const tests = match.tests.flatMap(testOf);
  // To be there is to be a text here, so that the glob * asks for no more than `exists`.
  return settle(domain.textOnly ? tests.filter((test) => !isAnyValue(test)) : tests, domain);
}

/** What both ask of one and the same element; undefined when nothing meets both. */
export function joinNeeds(a: Need, b: Need, domain: Domain): Need | undefined {
  if (a.kind === "missing" || b.kind === "missing") return a.kind === b.kind ? a : undefined;
  return settle([...a.tests, ...b.tests], domain);
}

/** Whether all that meets `a` meets `b`: `false` also means that it is not known. */
export function impliesNeed(a: Need, b: Need): boolean {
  if (a.kind === "missing" || b.kind === "missing") return a.kind === b.kind;
  for (const test of b.tests) if (!impliesTest(a.tests, test)) return false;
  return true;
}

/** Whether it asks for nothing but that the subject is there. */
export function isPresence(need: Need): boolean {
  return need.kind === "there" && need.tests.length === 0;
}

/** The only texts that are possible; undefined: any may be. */
export function textsOf(need: Need): ReadonlySet<string> | undefined {
  return need.kind === "there" ? textsIn(need.tests) : undefined;
}

function textsIn(tests: readonly ValueNeed[]): ReadonlySet<string> | undefined {
  for (const test of tests) if (test.kind === "texts") return test.texts;
  return undefined;
}

function testOf(test: MatcherTest): ValueNeed[] {
  switch (test.op) {
    case "exists":
      return [];
    case "equals":
      return [{ kind: "texts", texts: new Set([String(test.value)]) }];
    case "in":
      return [{ kind: "texts", texts: new Set(test.values.map(String)) }];
    case "contains":
      return [{ kind: "glob", parts: ["", test.text, ""] }];
    case "glob":
      return [fitting(splitGlob(test.pattern))];
    case "regex": {
      const parts = plainRegex(test.pattern);
      return [parts === undefined ? { kind: "regex", pattern: test.pattern } : fitting(parts)];
    }
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return [{ kind: "bound", op: test.op, value: test.value }];
  }
}

function fitting(parts: readonly string[]): ValueNeed {
  return parts.length === 1 ? { kind: "texts", texts: new Set(parts) } : { kind: "glob", parts };
}

/** What every text, number and boolean meets. */
function isAnyValue(test: ValueNeed): boolean {
  return test.kind === "glob" && test.parts.every((part) => part === "");
}

/**
 * The tests with only those texts that meet all of them; undefined when it is known that nothing
 * does.
 */
function settle(tests: readonly ValueNeed[], { textOnly, nonEmpty }: Domain): Need | undefined {
  if (textOnly && tests.some(({ kind }) => kind === "bound")) return undefined;
  const possible = textsIn(tests);
  if (possible === undefined) return isHopeless(tests, nonEmpty) ? undefined : { kind: "there", tests };
  const texts = [...possible].filter(
    (text) => (text !== "" || !nonEmpty) && tests.every((test) => canHold(test, text)),
  );
  if (texts.length === 0) return undefined;
  const others = tests.filter(({ kind }) => kind !== "texts");
  return { kind: "there", tests: [{ kind: "texts", texts: new Set(texts) }, ...others] };
}

function isHopeless(tests: readonly ValueNeed[], nonEmpty: boolean): boolean {
  return tests.some(
    (test, i) =>
      (test.kind === "regex" && isDeadRegex(test.pattern, nonEmpty)) ||
      tests.slice(0, i).some((other) => exclude(test, other)),
  );
}

function exclude(a: ValueNeed, b: ValueNeed): boolean {
  if (a.kind === "glob" && b.kind === "glob") return endsDiffer(a.parts, b.parts);
  if (a.kind !== "bound" || b.kind !== "bound" || isLower(a.op) === isLower(b.op)) return false;
  const [lower, upper] = isLower(a.op) ? [a, b] : [b, a];
  if (lower.value !== upper.value) return lower.value > upper.value;
  return lower.op === "gt" || upper.op === "lt";
}

/** Two globs whose ends differ have no text in common. */
function endsDiffer(a: readonly string[], b: readonly string[]): boolean {
  const [startA = "", startB = "", endA = "", endB = ""] = [a[0], b[0], a.at(-1), b.at(-1)];
  const startsFit = startA.startsWith(startB) || startB.startsWith(startA);
  return !startsFit || !(endA.endsWith(endB) || endB.endsWith(endA));
}

/** Whether a value with this text can meet the test. */
function canHold(test: ValueNeed, text: string): boolean {
  switch (test.kind) {
    case "texts":
      return test.texts.has(text);
    case "glob":
      return fitsParts(test.parts, text);
    case "regex":
      return fitsRegex(test.pattern, text);
    case "bound": {
      const number = numberOf(text);
      return number !== undefined && isWithin(number, test);
    }
  }
}

function impliesTest(given: readonly ValueNeed[], wanted: ValueNeed): boolean {
  const texts = textsIn(given);
  // Texts alone say nothing of numbers: "500" may be a text.
  if (texts !== undefined && (wanted.kind !== "bound" || given.some(({ kind }) => kind === "bound"))) {
    for (const text of texts) if (!canHold(wanted, text)) return false;
    return true;
  }
  if (isAnyValue(wanted)) return given.length > 0;
  return given.some((one) => isStricter(one, wanted));
}

function isStricter(one: ValueNeed, wanted: ValueNeed): boolean {
  if (one.kind === "glob" && wanted.kind === "glob") return isNarrower(one.parts, wanted.parts);
  if (one.kind === "regex" && wanted.kind === "regex") return one.pattern === wanted.pattern;
  if (one.kind !== "bound" || wanted.kind !== "bound" || isLower(one.op) !== isLower(wanted.op)) return false;
  return one.value === wanted.value
    ? one.op === wanted.op || wanted.op === "gte" || wanted.op === "lte"
    : isWithin(one.value, wanted);
}

/**
 * Whether all texts of one glob fit the other. A character that is in neither stands for each
 * asterisk of the narrower: only an asterisk of the wider can take it, and then takes whatever
 * stands in its place.
 */
function isNarrower(parts: readonly string[], wider: readonly string[]): boolean {
  if (!parts[0]!.startsWith(wider[0]!) || !parts.at(-1)!.endsWith(wider.at(-1)!)) return false;
  const all = [...parts, ...wider].join("");
  let code = 0xe0_00;
  while (all.includes(String.fromCharCode(code))) code++;
  return fitsParts(wider, parts.join(String.fromCharCode(code)));
}

/** The number that prints as this text. */
function numberOf(text: string): number | bigint | undefined {
  const number = Number(text);
  if (String(number) === text) return number;
  return /^-?\d+$/u.test(text) && String(BigInt(text)) === text ? BigInt(text) : undefined;
}

function isLower(op: NumberBound["op"]): boolean {
  return op === "gt" || op === "gte";
}

function isWithin(number: number | bigint, { op, value }: NumberBound): boolean {
  if (isLower(op)) return op === "gt" ? number > value : number >= value;
  return op === "lt" ? number < value : number <= value;
}
