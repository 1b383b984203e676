import { listOf, textOf, type Values } from "../../config/values.ts";
import type { Problem } from "../../core/problem.ts";
import { fieldsOf } from "./fields.ts";

/** What came of a call of the admin API. All but `ok` are told by tell.ts. */
export type AdminAnswer =
  | {
      readonly kind: "ok";
      /** As it came. */
      readonly text: string;
      /** The parsed text of JSON; the text itself otherwise. */
      readonly body: unknown;
    }
  | {
      readonly kind: "refused";
      readonly status: number;
      /** What the node says of it. */
      readonly detail: string;
      readonly hint: string | undefined;
      readonly problems: readonly Problem[];
    }
  /** Something answers that is no admin API. */
  | { readonly kind: "foreign"; readonly status: number }
  | { readonly kind: "unreachable"; readonly reason: string; readonly hint: string };

/** Reads an answer: JSON, RFC 9457 problem details, or YAML. */
export function readAnswer(status: number, type: string, text: string): AdminAnswer {
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/u.test(type);
  const body = isJson ? parse(text) : text;
  const isOurs = body !== undefined && (isJson || /^(?:application\/yaml|text\/plain)\b/u.test(type));
  if (!isOurs) return { kind: "foreign", status };
  if (status >= 200 && status < 300) return { kind: "ok", text, body };
  // What refuses in another way, such as the OTLP listener with its google.rpc.Status, is something
  // else.
  if (!type.startsWith("application/problem+json")) return { kind: "foreign", status };
  const { detail, title, hint } = fieldsOf(body);
  return {
    kind: "refused",
    status,
    detail: textOf(detail) ?? textOf(title) ?? `status ${status}`,
    hint: textOf(hint),
    problems: problemsOf(body, "problems"),
  };
}

/** The problems, or warnings, in a member of an answer. */
export function problemsOf(body: unknown, member: string): Problem[] {
  return listOf(fieldsOf(body)[member]).map((one) => toProblem(fieldsOf(one)));
}

function toProblem({ severity, path, message, hint, file, position, text }: Values): Problem {
  const { line, column } = fieldsOf(position);
  return {
    severity: severity === "warning" ? "warning" : "error",
    path: textOf(path) ?? "",
    message: textOf(message) ?? textOf(text) ?? "",
    ...(typeof hint === "string" && { hint }),
    ...(typeof file === "string" && { file }),
    ...(typeof line === "number" && typeof column === "number" && { position: { line, column } }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
