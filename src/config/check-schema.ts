import type { z } from "zod";
import { atKey, type Finding, fault, formatPath, type Path } from "./finding.ts";
import { expectedKind, issueText, kindOf, splitKeyTexts } from "./issue-text.ts";
import { valueAt } from "./values.ts";
import { type ConfigDocument, ConfigSchema } from "./schema/config.ts";

type Issue = z.core.$ZodIssue;

/** Checks the values against the schema; `document` is there when nothing is wrong. */
export function checkSchema(root: unknown): { document: ConfigDocument | undefined; findings: Finding[] } {
  return checkAgainst(ConfigSchema, root);
}

/** The same for another schema. */
export function checkAgainst<Schema extends z.ZodType>(
  schema: Schema,
  root: unknown,
): { document: z.output<Schema> | undefined; findings: Finding[] } {
  const result = schema.safeParse(root, { error: issueText });
  if (result.success) return { document: result.data, findings: [] };
  return { document: undefined, findings: result.error.issues.flatMap((issue) => toFindings(issue, [], root)) };
}

function toFindings(issue: Issue, above: Path, root: unknown): Finding[] {
  const path = [...above, ...pathOf(issue)];
  switch (issue.code) {
    case "unrecognized_keys":
      return splitKeyTexts(issue.message).map((text, i) =>
        atKey(fromText([...path, issue.keys[i] ?? ""], MOVED[formatPath([...path, issue.keys[i] ?? ""])] ?? text)),
      );
    case "invalid_key":
      return [atKey(fromText(path, issue.issues[0]?.message ?? issue.message))];
    case "invalid_union":
      return issue.errors.length === 0 ? [fromText(path, issue.message)] : fromUnion(issue.errors, path, root);
    default:
      return [fromText(path, issue.message)];
  }
}

/** Of the branches of a union, the one that was meant: the first whose kind of value fits. */
function fromUnion(branches: readonly Issue[][], path: Path, root: unknown): Finding[] {
  const value = valueAt(root, ...path);
  const meant = branches.filter((issues) => !issues.some((issue) => isOtherKind(issue, value)));
  const [best] = meant.toSorted((a, b) => a.length - b.length);
  if (best !== undefined) return best.flatMap((issue) => toFindings(issue, path, root));
  const kinds = new Set(branches.flatMap((issues) => issues.flatMap(expectedBy)));
  if (kinds.has("a number")) kinds.delete("a whole number");
  return [fault(path, `expected ${[...kinds].join(" or ")}, got ${kindOf(value)}`)];
}

function isOtherKind(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_type") return issue.expected !== "int" || typeof value !== "number";
  return issue.code === "invalid_value" && !issue.values.some((word) => typeof word === typeof value);
}

function expectedBy(issue: Issue): string[] {
  if (issue.code === "invalid_type") return [expectedKind(issue.expected)];
  return issue.code === "invalid_value" ? [`one of ${issue.values.map(String).join(", ")}`] : [];
}

/** Keys that stand elsewhere now: the message, and on a second line how to mend it. */
const MOVED: Readonly<Record<string, string>> = {
  plugins: "plugins are code, and belong to one node, not to the fleet\nmove them to node: { plugins: [...] }",
};

/** The first line is the message, the second the hint. */
function fromText(path: Path, text: string): Finding {
  const [message = text, hint] = text.split("\n");
  return fault(path, message, hint);
}

/** JSON has no other keys than texts and numbers. */
function pathOf(issue: Issue): (string | number)[] {
  return issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
}
