import { type Condition, type SignalName, signalsOf } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { type Literal, literalOf } from "./literal.ts";
import { impliesNeed, joinNeeds } from "./need.ts";

/** Literals that must all hold. None: it holds for everything. */
export type Cube = readonly Literal[];

/** Whether the condition means the same for all signals. */
export function isSameForAll(condition: Condition): boolean {
  if (condition.kind === "not") return isSameForAll(condition.of);
  if (condition.kind === "all" || condition.kind === "any") return condition.of.every(isSameForAll);
  return signalsOf(condition) === ALL_SIGNALS;
}

/**
 * Conditions that must all hold, as cubes of which one must hold; none when nothing meets them. Where there would be too
 * many, `weaken` leaves parts out, so that what is given holds wherever the conditions do; `exact` gives undefined.
 */
export function cubesOf(conditions: readonly Condition[], signal: SignalName, mode: "weaken"): Cube[];
export function cubesOf(conditions: readonly Condition[], signal: SignalName, mode: "exact"): Cube[] | undefined;
export function cubesOf(conditions: readonly Condition[], signal: SignalName, mode: Mode): Cube[] | undefined {
  return join({ kind: "all", of: conditions }, { signal, mode, wanted: true });
}

/** Whether whatever meets the cube meets the other; `false` also means that it is not known. */
export function impliesCube(cube: Cube, other: Cube): boolean {
  return other.every((wanted) => cube.some((given) => impliesLiteral(given, wanted)));
}

/** At most so many cubes for one rule. */
const MAX_CUBES = 64;

type Mode = "weaken" | "exact";

interface Context {
  readonly signal: SignalName;
  readonly mode: Mode;
  readonly wanted: boolean;
}

function join(condition: Condition, context: Context): Cube[] | undefined {
  const { signal, wanted } = context;
  switch (condition.kind) {
    case "not":
      return join(condition.of, { ...context, wanted: !wanted });
    case "all":
      return wanted ? product(condition.of, context) : union(condition.of, context);
    case "any":
      return wanted ? union(condition.of, context) : product(condition.of, context);
    default: {
      const literal = signalsOf(condition).includes(signal) ? literalOf(condition, wanted) : !wanted;
      if (typeof literal === "boolean") return literal ? [[]] : [];
      return [[literal]];
    }
  }
}

function union(parts: readonly Condition[], context: Context): Cube[] | undefined {
  const cubes: Cube[] = [];
  for (const part of parts) {
    const more = join(part, context);
    if (more === undefined) return undefined;
    cubes.push(...more);
    if (cubes.length > MAX_CUBES) return context.mode === "weaken" ? [[]] : undefined;
  }
  return cubes;
}

function product(parts: readonly Condition[], context: Context): Cube[] | undefined {
  let cubes: Cube[] = [[]];
  for (const part of parts) {
    const more = join(part, context);
    if (more === undefined) return undefined;
    if (cubes.length * more.length > MAX_CUBES) {
      if (context.mode === "exact") return undefined;
      continue; // without this part the rest holds for more: never for less
    }
    cubes = cubes.flatMap((a) => more.map((b) => joinCubes(a, b)).filter((cube) => cube !== undefined));
  }
  return cubes;
}

/** Undefined when nothing meets both. */
function joinCubes(a: Cube, b: Cube): Cube | undefined {
  let joined: readonly Literal[] = a;
  for (const literal of b) {
    const next = addLiteral(joined, literal);
    if (next === undefined) return undefined;
    joined = next;
  }
  return joined;
}

/** What is asked of one value is kept together: so that `in` and `not` of it, or two ranges, are seen as one. */
function addLiteral(cube: Cube, literal: Literal): Cube | undefined {
  const others: Literal[] = [];
  let added = literal;
  for (const known of cube) {
    const merged = mergeLiterals(known, added);
    if (merged === "never") return undefined;
    if (merged === undefined) others.push(known);
    else added = merged;
  }
  return others.some((known) => excludes(known, added)) ? undefined : [...others, added];
}

function mergeLiterals(a: Literal, b: Literal): Literal | "never" | undefined {
  if (a.subject !== b.subject) return undefined;
  if (a.kind === "codes" && b.kind === "codes") {
    const allowed = a.allowed & b.allowed;
    return allowed === 0 ? "never" : { ...a, allowed };
  }
  if (a.kind !== "value" || b.kind !== "value" || a.domain.many || !a.wanted || !b.wanted) return undefined;
  const need = joinNeeds(a.need, b.need, a.domain);
  return need === undefined ? "never" : { ...a, need };
}

/** Whether both can never hold for one item, as far as that can be told. */
function excludes(a: Literal, b: Literal): boolean {
  if (a.kind === "codes" || b.kind === "codes") return false; // merged
  if (a.wanted && !b.wanted) return impliesLiteral(a, { ...b, wanted: true });
  if (b.wanted && !a.wanted) return impliesLiteral(b, { ...a, wanted: true });
  if (a.kind !== "value" || b.kind !== "value" || a.subject !== b.subject) return false;
  const [missing, other] = a.need.kind === "missing" ? [a, b] : [b, a];
  if (missing.need.kind !== "missing") return false;
  // Both wanted: missing and there. Neither wanted: there, and yet not there.
  return a.wanted ? other.need.kind !== "missing" : other.need.kind === "present";
}

function impliesLiteral(given: Literal, wanted: Literal): boolean {
  if (given.subject !== wanted.subject) return false;
  if (given.kind === "codes") return wanted.kind === "codes" && (given.allowed & ~wanted.allowed) === 0;
  if (given.kind === "share") return wanted.kind === "share" && impliesShare(given, wanted);
  return wanted.kind === "value" && impliesValueLiteral(given, wanted);
}

type Share = Extract<Literal, { kind: "share" }>;
type ValueLiteral = Extract<Literal, { kind: "value" }>;

/** A larger share contains the smaller ones. */
function impliesShare(given: Share, wanted: Share): boolean {
  if (given.wanted !== wanted.wanted) return false;
  return given.wanted ? given.rate <= wanted.rate : given.rate >= wanted.rate;
}

function impliesValueLiteral(given: ValueLiteral, wanted: ValueLiteral): boolean {
  const [has, asks] = [given.need, wanted.need];
  if (given.wanted && wanted.wanted) return impliesNeed(has, asks);
  if (!given.wanted && !wanted.wanted) return impliesNeed(asks, has);
  const [isMissing, wantsMissing] = [has.kind === "missing", asks.kind === "missing"];
  if (!given.wanted) return isMissing ? asks.kind === "present" : has.kind === "present" && wantsMissing;
  if (isMissing !== wantsMissing) return true;
  return !given.domain.many && joinNeeds(has, asks, given.domain) === undefined;
}
