import type { Literal, LiteralKeys } from "./literal.ts";
import { textsOf } from "./need.ts";

/** Made when it is first asked for. */
export function findingOf(literal: Literal): LiteralKeys {
  if (literal.keys !== undefined) return literal.keys;
  const text = textOf(literal);
  literal.keys = {
    keptBy: keysOf(literal),
    text: text === undefined ? undefined : `${literal.subject}=${text}`,
    starts: text === undefined ? startsOf(literal) : [text],
    regexes: regexesOf(literal),
  };
  return literal.keys;
}

/** The longest. */
export function startOf(literal: Literal): string | undefined {
  return startsOf(literal).toSorted((a, b) => b.length - a.length)[0];
}

function keysOf(literal: Literal): string[] {
  const texts = literal.wanted ? textsOf(literal.need) : undefined;
  if (texts !== undefined) return [...texts].map((text) => `${literal.subject}=${text}`);
  const start = startOf(literal);
  return [start === undefined ? literal.subject : `${literal.subject}^${start}`];
}

/** One of the texts that are possible. */
function textOf(literal: Literal): string | undefined {
  return literal.wanted ? textsOf(literal.need)?.values().next().value : undefined;
}

/**
 * What the texts must begin with; one that implies a glob begins with what the glob begins with.
 */
function startsOf({ need, wanted }: Literal): string[] {
  if (!wanted || need.kind === "missing") return [];
  return need.tests.flatMap((test) => (test.kind === "glob" && test.parts[0] ? [test.parts[0]] : []));
}

function regexesOf({ need }: Literal): string[] {
  return need.kind === "missing" ? [] : need.tests.flatMap((test) => (test.kind === "regex" ? [test.pattern] : []));
}
