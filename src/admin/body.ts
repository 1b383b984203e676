import { z } from "zod";
import { checkAgainst } from "../config/check-schema.ts";
import { parseText } from "../config/document.ts";
import { formatPath } from "../config/finding.ts";
import { isValues, type Values } from "../config/values.ts";
import type { Problem } from "../core/problem.ts";
import { errorAt, malformedReply, problemReply, problemsReply } from "./reply.ts";
import type { AdminBody, AdminReply, AdminRequest, AdminRoute, BodySpec } from "./route.ts";

const ELEMENT_BYTES = 1_048_576;
/** As large as a config file may be. */
const DOCUMENT_BYTES = 16 * 1_048_576;
const SMALL_BYTES = 16_384;
/**
 * An export request of 4 MiB in base64, and something around it: it is read at once, while data
 * waits.
 */
const EXPLAIN_BYTES = 6 * 1_048_576;

/** One rule, pool or target: what of openapi.json it is. */
export function elementBody(schema: string): BodySpec {
  return { maxBytes: ELEMENT_BYTES, types: ["json", "yaml"], required: true, schema };
}

export const DOCUMENT_BODY: BodySpec = { ...elementBody("Config"), maxBytes: DOCUMENT_BYTES };

/** A body of a few words, and what a route does with what the schema makes of it. */
export function smallBody<Schema extends z.ZodType>(
  presence: "required" | "optional",
  schema: Schema,
  handle: (value: z.output<Schema>, request: AdminRequest) => AdminReply | Promise<AdminReply>,
): Pick<AdminRoute, "body" | "handle"> {
  return {
    body: { maxBytes: SMALL_BYTES, types: ["json", "yaml"], required: presence === "required", schema },
    handle(request) {
      const isLeftOut = presence === "optional" && request.body === undefined;
      const parsed = checkMapping(isLeftOut ? { ok: true, value: {} } : parseMapping(request.body), schema);
      return parsed.ok ? handle(parsed.value, request) : parsed.reply;
    },
  };
}

/** A request, or something that stands for one. */
export function requestBody(schema: z.ZodType): BodySpec {
  return { maxBytes: EXPLAIN_BYTES, types: ["json"], required: true, schema };
}

type Parsed<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reply: AdminReply };

/**
 * The mapping that a body is. What cannot be read is a 400 with the place; what is no mapping a
 * 422.
 */
export function parseMapping(body: AdminBody | undefined): Parsed<Values> {
  if (body === undefined) return { ok: false, reply: NO_BODY };
  const fault = jsonFaultOf(body);
  if (fault !== undefined) return { ok: false, reply: malformedReply([fault]) };
  const parsed = parseText(body.text);
  if (!parsed.ok || parsed.faults.length > 0) {
    const problems = parsed.faults.map(({ message, hint, position }) => ({ ...errorAt("", message, hint), position }));
    return { ok: false, reply: malformedReply(problems) };
  }
  return mappingOf(parsed.document.root, { line: 1, column: 1 });
}

/**
 * The same for bodies that are JSON and may be large: nothing is known of the places of what is in
 * them.
 */
export function parseJsonMapping(body: AdminBody | undefined): Parsed<Values> {
  if (body === undefined) return { ok: false, reply: NO_BODY };
  try {
    return mappingOf(JSON.parse(body.text));
  } catch {
    return { ok: false, reply: malformedReply([jsonFaultOf(body) ?? errorAt("", "not valid JSON")]) };
  }
}

/** What the schema makes of a mapping; what is wrong with it is a 422. */
export function checkMapping<Schema extends z.ZodType>(
  mapping: Parsed<Values>,
  schema: Schema,
): Parsed<z.output<Schema>> {
  if (!mapping.ok) return mapping;
  const { document, findings } = checkAgainst(schema, mapping.value);
  if (document !== undefined) return { ok: true, value: document };
  const problems = findings.map(({ path, message, hint }) => errorAt(formatPath(path), message, hint));
  return { ok: false, reply: problemsReply(422, "the body has problems", problems) };
}

/**
 * What is wrong with a body that says it is JSON, so that it is none: YAML has JSON in it, and
 * more.
 */
export function jsonFaultOf({ text, type }: AdminBody): Problem | undefined {
  if (type !== "json") return undefined;
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

export const NO_BODY: AdminReply = problemReply(400, "this needs a body");

function mappingOf(root: unknown, position?: Problem["position"]): Parsed<Values> {
  if (isValues(root)) return { ok: true, value: root };
  const problem = { ...errorAt("", "expected a mapping"), ...(position !== undefined && { position }) };
  return { ok: false, reply: problemsReply(422, "the body has to be a mapping", [problem]) };
}
