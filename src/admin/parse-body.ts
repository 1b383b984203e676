import { parseText } from "../config/document.ts";
import type { Problem } from "../core/problem.ts";
import { errorAt, problemsReply } from "./problem-list.ts";
import type { AdminBody, AdminReply } from "./route.ts";

export type Values = Readonly<Record<string, unknown>>;

export type ParsedBody =
  | { readonly ok: true; readonly values: Values }
  | { readonly ok: false; readonly reply: AdminReply };

/** The mapping that a body is. What cannot be read is a 400 with the place; what is no mapping a 422. */
export function parseMapping({ text, type }: AdminBody): ParsedBody {
  const fault = jsonFaultOf({ text, type });
  if (fault !== undefined) return { ok: false, reply: malformedReply([fault]) };
  const parsed = parseText(text);
  if (!parsed.ok || parsed.faults.length > 0) {
    const problems = parsed.faults.map(({ message, hint, position }) => ({ ...errorAt("", message, hint), position }));
    return { ok: false, reply: malformedReply(problems) };
  }
  const { root } = parsed.document;
  if (isValues(root)) return { ok: true, values: root };
  const problem = { ...errorAt("", "expected a mapping"), position: { line: 1, column: 1 } };
  return { ok: false, reply: problemsReply(422, "the body has to be a mapping", [problem]) };
}

/** The same for bodies that are JSON and may be large: nothing is known of the places of what is in them. */
export function parseJsonMapping({ text }: AdminBody): ParsedBody {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return { ok: false, reply: malformedReply([jsonFault(text) ?? errorAt("", "not valid JSON")]) };
  }
  if (isValues(root)) return { ok: true, values: root };
  return { ok: false, reply: problemsReply(422, "the body has to be a mapping", [errorAt("", "expected a mapping")]) };
}

/** What is wrong with a body that says it is JSON, so that it is none. */
export function jsonFaultOf({ text, type }: AdminBody): Problem | undefined {
  return type === "json" ? jsonFault(text) : undefined;
}

/** 400, with the place of the first problem in words. */
export function malformedReply(problems: readonly Problem[]): AdminReply {
  const [first] = problems;
  const at = first?.position === undefined ? "" : `line ${first.position.line}, column ${first.position.column}: `;
  return problemsReply(400, `the body cannot be read: ${at}${first?.message ?? ""}`, problems);
}

/** YAML has JSON in it, and more: a body that says it is JSON has to be. */
function jsonFault(text: string): Problem | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const offset = Number(/at position (?<at>\d+)/u.exec(message)?.groups?.["at"] ?? text.length);
    const before = text.slice(0, offset).split("\n");
    const position = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return { ...errorAt("", message.replace(/ in JSON at position .*$|\s*\(line .*$/u, "")), position };
  }
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
