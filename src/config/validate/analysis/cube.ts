import { remembered } from "../../../core/remembered.ts";
import { type Condition, type SignalName, signalsOf } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { type Literal, literalOf } from "./literal.ts";
import { impliesNeed, isPresence, joinNeeds } from "./need.ts";

/** Literals that must all hold. None: it holds for everything. */
export type Cube = readonly Literal[];

/** Cubes of which one must hold; none when nothing meets the conditions. */
export interface Cubes {
  readonly cubes: readonly Cube[];
  /**
   * False where there would have been too many: then they hold wherever the conditions do, and
   * elsewhere, too.
   */
  readonly isExact: boolean;
}

/**
 * Conditions that must all hold, as cubes, for each signal. By their list, which nobody changes:
 * when one rule changes, those of the others are there.
 */
export const cubesOf = remembered((conditions: readonly Condition[]): Readonly<Record<SignalName, Cubes>> => {
  const all: Condition = { kind: "all", of: conditions };
  const traces = convert(all, "traces", true);
  const isSame = isOfAll(all);
  const metrics = isSame ? traces : convert(all, "metrics", true);
  return { traces, metrics, logs: isSame ? traces : convert(all, "logs", true) };
});

function isOfAll(condition: Condition): boolean {
  if (condition.kind === "not") return isOfAll(condition.of);
  if (condition.kind === "all" || condition.kind === "any") return condition.of.every(isOfAll);
  return signalsOf(condition).length === ALL_SIGNALS.length;
}

/** Whether whatever meets the cube meets the other; `false` also means that it is not known. */
export function impliesCube(cube: Cube, other: Cube): boolean {
  for (let i = 0; i < other.length; i++) if (!hasStricter(cube, other[i]!)) return false;
  return true;
}

/** Whether one of its literals implies this one. */
export function hasStricter(cube: Cube, wanted: Literal): boolean {
  for (let i = 0; i < cube.length; i++) if (impliesLiteral(cube[i]!, wanted)) return true;
  return false;
}

/** At most so many cubes for one rule. */
const MAX_CUBES = 64;

function convert(condition: Condition, signal: SignalName, wanted: boolean): Cubes {
  switch (condition.kind) {
    case "not":
      return convert(condition.of, signal, !wanted);
    case "all":
    case "any": {
      const parts = condition.of.map((part) => convert(part, signal, wanted));
      return (condition.kind === "all") === wanted ? product(parts) : union(parts);
    }
    default: {
      const literal = signalsOf(condition).includes(signal) ? literalOf(condition, wanted) : !wanted;
      if (typeof literal === "boolean") return { cubes: literal ? [[]] : [], isExact: true };
      return { cubes: [[literal]], isExact: true };
    }
  }
}

function union(parts: readonly Cubes[]): Cubes {
  const cubes = parts.flatMap((part) => part.cubes);
  if (cubes.length > MAX_CUBES) return { cubes: [[]], isExact: false };
  return { cubes, isExact: parts.every(({ isExact }) => isExact) };
}

function product(parts: readonly Cubes[]): Cubes {
  let cubes: readonly Cube[] = [[]];
  let isExact = parts.every((part) => part.isExact);
  for (const part of parts) {
    // Without this part the rest holds for more: never for less.
    if (cubes.length * part.cubes.length > MAX_CUBES) isExact = false;
    else cubes = cubes.flatMap((a) => part.cubes.flatMap((b) => joinCubes(a, b)));
  }
  return { cubes, isExact };
}

/** None when nothing meets both. */
function joinCubes(a: Cube, b: Cube): Cube[] {
  let joined: readonly Literal[] = a;
  for (const literal of b) {
    const next = addLiteral(joined, literal);
    if (next === undefined) return [];
    joined = next;
  }
  return [joined];
}

/**
 * What is asked of one value is kept together: so that `in` and `not` of it, or two ranges, are
 * seen as one.
 */
function addLiteral(cube: Cube, literal: Literal): Cube | undefined {
  const others: Literal[] = [];
  let added = literal;
  for (const known of cube) {
    const isOne = known.subject === added.subject && !known.domain.many && known.wanted && added.wanted;
    const need = isOne ? joinNeeds(known.need, added.need, known.domain) : undefined;
    if (isOne && need === undefined) return undefined;
    if (need === undefined) others.push(known);
    else added = { ...known, need, keys: undefined };
  }
  return others.some((known) => exclude(known, added)) ? undefined : [...others, added];
}

/** Whether both can never hold for one item, as far as that can be told. */
function exclude(a: Literal, b: Literal): boolean {
  if (a.wanted && !b.wanted) return impliesLiteral(a, { ...b, wanted: true });
  if (b.wanted && !a.wanted) return impliesLiteral(b, { ...a, wanted: true });
  if (a.subject !== b.subject) return false;
  const [missing, other] = a.need.kind === "missing" ? [a, b] : [b, a];
  if (missing.need.kind !== "missing") return false;
  // Both wanted: missing and there. Neither wanted: there, and yet not there.
  return a.wanted ? other.need.kind !== "missing" : isPresence(other.need);
}

function impliesLiteral(given: Literal, wanted: Literal): boolean {
  if (given === wanted) return true;
  if (given.subject !== wanted.subject) return false;
  const { need: has } = given;
  const { need: asks } = wanted;
  if (given.wanted && wanted.wanted) return impliesNeed(has, asks);
  if (!given.wanted && !wanted.wanted) return impliesNeed(asks, has);
  const isMissing = has.kind === "missing";
  const wantsMissing = asks.kind === "missing";
  if (!given.wanted) return isMissing ? isPresence(asks) : isPresence(has) && wantsMissing;
  if (isMissing !== wantsMissing) return true;
  return !given.domain.many && joinNeeds(has, asks, given.domain) === undefined;
}
