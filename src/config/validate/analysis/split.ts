import { type Cube, hasStricter, impliesCube } from "./cube.ts";
import type { Literal } from "./literal.ts";
import { textsOf, type ValueNeed } from "./need.ts";
import type { TakenIndex } from "./taken-index.ts";

/** Of lists in conditions, so long ones are looked at value by value. */
const MAX_SPLIT = 64;

/**
 * Whether others that are asked before it take all of the cube, which are added to `by`:
 * `in: [a, b]` may be taken by one for a and another for b.
 */
export function isTaken<Owner>(
  cube: Cube,
  index: TakenIndex<Owner> | undefined,
  before: number,
  by: Set<Owner>,
): boolean {
  const owner = index?.ownerOf(cube, before);
  if (owner !== undefined) by.add(owner);
  if (owner !== undefined || index === undefined) return owner !== undefined;
  for (let i = 0; i < cube.length; i++) {
    if (!isSplit(cube[i]!)) continue;
    const owners = splitTexts(cube[i]!).map((part) => index.ownerOf(cube.with(i, part), before));
    if (owners.some((one) => one === undefined)) continue;
    for (const one of owners) by.add(one!);
    return true;
  }
  return false;
}

/** Whether the other takes all of the cube, or what of it is for one value of a list. */
export function isPartTaken(cube: Cube, other: Cube): boolean {
  if (impliesCube(cube, other)) return true;
  for (let i = 0; i < cube.length; i++) {
    if (!isSplit(cube[i]!) || !canTakePart(cube, i, other)) continue;
    if (splitTexts(cube[i]!).some((part) => impliesCube(cube.with(i, part), other))) return true;
  }
  return false;
}

/** What is seen without looking at each value. */
function canTakePart(cube: Cube, at: number, other: Cube): boolean {
  const { subject, need } = cube[at]!;
  return other.every((literal) => {
    if (literal.subject !== subject) return hasStricter(cube, literal);
    const texts = literal.wanted ? textsOf(literal.need) : undefined;
    return texts === undefined || textsOf(need)?.isDisjointFrom(texts) !== true;
  });
}

/** Whether it is for one of a few texts. */
function isSplit({ wanted, need }: Literal): boolean {
  const size = wanted ? (textsOf(need)?.size ?? 0) : 0;
  return size >= 2 && size <= MAX_SPLIT;
}

function splitTexts(literal: Literal): Literal[] {
  const texts = textsOf(literal.need);
  if (literal.need.kind === "missing" || texts === undefined) return [];
  const others = literal.need.tests.filter(({ kind }) => kind !== "texts");
  return [...texts].map((text) => {
    const one: ValueNeed = { kind: "texts", texts: new Set([text]) };
    return { ...literal, need: { kind: "there", tests: [one, ...others] }, keys: undefined };
  });
}
