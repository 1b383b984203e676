import { DURATION_PATTERN, SIZE_PATTERN } from "../../src/core/units.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";

/** The reference of the config as Markdown, made from its schema: one table for each section. */
export function configReference(): string {
  const root = configJsonSchema() as JsonSchema;
  const lines = [...INTRODUCTION];
  for (const [name, section] of Object.entries(root.properties ?? {})) {
    lines.push("", `## ${name}`, "", ...tableOf(rowsOf(name, section, root, false)));
  }
  for (const [name, definition] of Object.entries(root.$defs ?? {})) {
    const rows = childRows("", definition, root);
    lines.push("", `## ${name}`, "", definition.description ?? "", ...(rows.length > 0 ? ["", ...tableOf(rows)] : []));
  }
  return `${lines.join("\n")}\n`;
}

interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly pattern?: string;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly description: string;
}

const INTRODUCTION = [
  "# Configuration reference",
  "",
  "Generated from the schema. YAML or JSON; keys that are not listed here are refused. Durations are texts (`100ms`, `10s`, `1m30s`)",
  "or milliseconds, sizes are texts (`64MiB`) or bytes. `${env:NAME}`, `${env:NAME:-default}` and `${file:path}` are replaced inside",
  "texts, `$${` is `${`. In paths, `[]` is an entry of a list and `<name>` a name of your choice.",
];

function tableOf(rows: readonly Row[]): string[] {
  return [
    "| path | type | default | description |",
    "| --- | --- | --- | --- |",
    ...rows.map(
      (row) => `| \`${row.path}\` | ${escape(row.type)} | ${escape(row.fallback)} | ${escape(row.description)} |`,
    ),
  ];
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** A thing and what is inside it. */
function rowsOf(path: string, schema: JsonSchema, root: JsonSchema, required: boolean): Row[] {
  const fallback = schema.default === undefined ? (required ? "required" : "") : defaultOf(schema.default);
  const own: Row = { path, type: typeOf(schema), fallback, description: descriptionOf(schema, root) };
  return [own, ...childRows(path, schema, root)];
}

/**
 * Rows of what is inside; definitions that refer to themselves have a section of their own and end
 * here.
 */
function childRows(path: string, schema: JsonSchema, root: JsonSchema): Row[] {
  const rows = new Map<string, Row>();
  const add = (more: readonly Row[]): void => {
    for (const row of more) if (!rows.has(row.path)) rows.set(row.path, row);
  };
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (child.const !== undefined) continue;
    add(rowsOf(path === "" ? key : `${path}.${key}`, child, root, schema.required?.includes(key) === true));
  }
  if (schema.items !== undefined) add(childRows(`${path}[]`, schema.items, root));
  if (typeof schema.additionalProperties === "object")
    add(childRows(`${path}.<name>`, schema.additionalProperties, root));
  for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const variant = branch.properties?.["type"]?.const;
    const name = typeof variant === "string" ? `${path} (${variant})`.trim() : path;
    if (typeof variant === "string")
      add([{ path: name, type: "mapping", fallback: "", description: branch.description ?? "" }]);
    add(childRows(name, branch, root));
  }
  return [...rows.values()];
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return linkTo(schema.$ref);
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(", ");
  const written = WRITTEN_AS.get(schema.anyOf?.[0]?.pattern ?? "");
  if (written !== undefined) return written;
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return join(branches.map(typeOf));
  if (schema.type === "array") return `list of ${schema.items === undefined ? "anything" : typeOf(schema.items)}`;
  if (schema.type === "object") return mappingOf(schema);
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["anything"]);
  return join(types.map((type) => TYPES[type] ?? type));
}

/** Texts with a form of their own, by their pattern. */
const WRITTEN_AS = new Map([
  [DURATION_PATTERN.source, "duration"],
  [SIZE_PATTERN.source, "size"],
]);

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  boolean: "true or false",
  null: "nothing",
};

function mappingOf({ additionalProperties }: JsonSchema): string {
  if (typeof additionalProperties !== "object") return "mapping";
  return `mapping of names to ${additionalProperties.type === "object" ? "mappings" : typeOf(additionalProperties)}`;
}

function join(types: readonly string[]): string {
  const distinct = new Set(types);
  if (distinct.has("number")) distinct.delete("whole number");
  return [...distinct].join(" or ");
}

function linkTo(reference: string): string {
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  return `[${name}](#${name.toLowerCase()})`;
}

function descriptionOf(schema: JsonSchema, root: JsonSchema): string {
  if (schema.description !== undefined) return schema.description;
  const name = schema.$ref?.slice(schema.$ref.lastIndexOf("/") + 1);
  return (name === undefined ? undefined : root.$defs?.[name]?.description) ?? "";
}

function defaultOf(value: unknown): string {
  const text = JSON.stringify(value);
  return text === "{}" ? "" : `\`${text}\``;
}
