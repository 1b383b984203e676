import { RE2JS } from "re2js";

/** Whether the pattern is found in the text. */
export function fitsRegex(pattern: string, text: string): boolean {
  return remember(compiled, MAX_COMPILED, pattern, () => RE2JS.compile(pattern))
    .matcher(text)
    .find();
}

/**
 * Whether no text can match the pattern (`a^b`, `$x`), found by walking its program: texts before
 * the start and after the end are possible only where it does not ask for them. `nonEmpty`: the
 * empty text does not count, as for names.
 */
export function isDeadRegex(pattern: string, nonEmpty: boolean): boolean {
  return remember(dead, MAX_ANSWERS, `${nonEmpty}${pattern}`, () => {
    const program: Program = RE2JS.compile(pattern).re2().prog;
    return !canMatch(program, nonEmpty);
  });
}

const compiled = new Map<string, RE2JS>();
/**
 * Compiling takes some 15 us, matching less than one; a compiled pattern may be large, so few are
 * kept.
 */
export const MAX_COMPILED = 512;
const dead = new Map<string, boolean>();
/** A config is asked several times about the same pattern, and answers are small. */
const MAX_ANSWERS = 16_384;

function remember<Value>(known: Map<string, Value>, most: number, key: string, make: () => Value): Value {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= most) known.clear();
  const value = make();
  known.set(key, value);
  return value;
}

const MAX_STATES = 20_000;

// Numbers of the instructions and conditions of RE2's programs (re2/prog.h), as re2js has them.
const ALT = 1;
const ALT_MATCH = 2;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const RUNE = 8;
const LAST_RUNE = 11;
const BEGIN_TEXT = 4;
const END_TEXT = 8;

// What has been seen on the way, as bits: the text begins where the match does, it has a character,
// it ends here.
const BEGUN = 1;
const CONSUMED = 2;
const ENDED = 4;

interface RegexStep {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: { readonly length: number };
}

interface Program {
  readonly inst: readonly RegexStep[];
  readonly start: number;
}

function canMatch({ inst, start }: Program, nonEmpty: boolean): boolean {
  const open: { at: number; seen: number }[] = [{ at: start, seen: 0 }];
  const done = new Set<number>();
  while (open.length > 0) {
    const { at, seen } = open.pop() ?? { at: 0, seen: 0 };
    const step = inst[at];
    if (step === undefined || done.size > MAX_STATES) return true; // not known
    if (done.has(at * 8 + seen)) continue;
    done.add(at * 8 + seen);
    if (step.op === MATCH && !(nonEmpty && seen === (BEGUN | ENDED))) return true;
    if (step.op === MATCH || step.op === FAIL) continue;
    const next = pass(step, seen);
    if (next === undefined) continue;
    open.push({ at: step.out, seen: next });
    if (step.op === ALT || step.op === ALT_MATCH) open.push({ at: step.arg, seen: next });
  }
  return false;
}

/** What has been seen after the step; undefined when no text gets through. */
function pass({ op, arg, runes }: RegexStep, seen: number): number | undefined {
  if (op >= RUNE && op <= LAST_RUNE) {
    const isEmptyClass = op === RUNE && runes.length === 0;
    return isEmptyClass || (seen & ENDED) !== 0 ? undefined : seen | CONSUMED;
  }
  if (op !== EMPTY_WIDTH) return seen;
  if ((arg & BEGIN_TEXT) !== 0 && (seen & CONSUMED) !== 0) return undefined;
  return seen | ((arg & BEGIN_TEXT) === 0 ? 0 : BEGUN) | ((arg & END_TEXT) === 0 ? 0 : ENDED);
}

/**
 * The parts of the glob that means the same as this pattern, for patterns of plain characters with
 * at most an anchor at each end; undefined for all others. `^GET /api/.*` is `GET /api/*`,
 * `checkout` is `*checkout*`.
 */
export function plainRegex(pattern: string): string[] | undefined {
  const anchors = /^(?<start>\^?)(?<body>.*?)(?<rest>(?:\.\*)?)(?<end>\$?)$/su.exec(pattern)?.groups;
  const body = plainText(anchors?.["body"] ?? "");
  if (anchors === undefined || body === undefined) return undefined;
  const { start, rest, end } = anchors;
  // `.*$` must reach the end without meeting a line break, which no glob can say.
  if (rest !== "" && end !== "") return undefined;
  return [...(start === "" ? [""] : []), body, ...(end === "" ? [""] : [])];
}

/** Undefined when a character has a meaning. `\.` and `[.]` are dots. */
function plainText(body: string): string | undefined {
  if (/[\uE100-\uE10D]/u.test(body)) return undefined;
  const text = body.replaceAll(
    /\\(?<mark>[^A-Za-z0-9\s])|\[\.\]/gu,
    (whole, mark?: string) => PLAIN_MARKS[mark ?? whole] ?? mark ?? whole,
  );
  if (/[\\^$.|?*+()[\]{}]/u.test(text)) return undefined;
  return text.replaceAll(/[\uE100-\uE10D]/gu, (mark) => MARKS[mark.charCodeAt(0) - 0xe1_00] ?? "");
}

/** Characters that are meant as they are, while the others are looked at. */
const MARKS = ["\\", "^", "$", ".", "|", "?", "*", "+", "(", ")", "[", "]", "{", "}"];
const PLAIN_MARKS: Readonly<Record<string, string>> = Object.fromEntries([
  ...MARKS.map((mark, i) => [mark, String.fromCharCode(0xe1_00 + i)] as const),
  ["[.]", String.fromCharCode(0xe1_00 + MARKS.indexOf("."))],
]);
