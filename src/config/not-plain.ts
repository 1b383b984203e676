import type { Position, Problem } from "../core/problem.ts";
import { withoutMark } from "./document.ts";
import { Lines } from "./lines.ts";
import { type ParsedDocument, positionOf } from "./parsed-document.ts";
import { PlainReader } from "./plain-reader.ts";
import { NOT_PLAIN } from "./plain-tokens.ts";
import { listOf, valueAt } from "./values.ts";

/** Of more a change takes two seconds of the processor where they are not plain, and else 0.1. */
const MANY_RULES = 500;

/** That all of a document is read and written anew for each change, and what makes it so. */
export function slowToChange(written: string, document: ParsedDocument, file: string): Problem[] {
  const rules = listOf(valueAt(document.root, "rules")).length;
  if (document.isPlain || rules <= MANY_RULES) return [];
  const { position, what, hint } = firstNotPlain(withoutMark(written), document);
  const message = `each change of one of the ${rules} rules takes as long as all of them: ${what} is not plain`;
  return [{ severity: "warning", path: "rules", message, hint, file, position }];
}

interface Stumble {
  readonly what: string;
  readonly hint: string;
}

function firstNotPlain(text: string, document: ParsedDocument): Stumble & { readonly position: Position } {
  const positionAt = (offset: number): Position => new Lines(text).positionAt(offset);
  const control = text.search(NOT_PLAIN);
  if (control !== -1) return { ...CONTROL, position: positionAt(control) };
  const reader = new PlainReader(text);
  if (reader.document() !== undefined) return { ...BRACKETS, position: positionOf(document, ["rules"], "value") };
  const { at, isFlow } = reader.stopped;
  return { ...(isFlow ? IN_BRACES : stumbleAt(text, at)), position: positionAt(at) };
}

function stumbleAt(text: string, offset: number): Stumble {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  if (/^["']?rules["']?: *\[/u.test(line)) return BRACKETS;
  return BY_MARK[text[offset] ?? ""] ?? OTHER;
}

const CONTROL = { what: "a control character", hint: "leave it out" };
const BRACKETS = { what: "a list of rules in brackets", hint: "write the rules below one another, each behind a dash" };
const IN_BRACES = {
  what: "what stands here, in braces,",
  hint: "write the document as JSON, without comments, or as YAML without braces around all of it",
};
const OTHER = { what: "what stands here", hint: "write it as mappings and lists in lines of their own" };
const BY_MARK: Readonly<Record<string, Stumble>> = {
  "*": { what: "an alias of what stands elsewhere", hint: "write out what it stands for" },
  "?": { what: "a key behind ?", hint: "write it as key: value" },
  "%": { what: "a directive", hint: "leave it out" },
};
