import { configJsonSchema } from "../../src/config/json-schema.ts";

type Path = readonly (string | number)[];

interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** Conditions contain conditions: one level of it is every kind of place. */
const DEEPEST = 9;

/**
 * Every place of a config at which the schema takes a single value, in lists the first; names of
 * one's own are `own`.
 */
export function positionsOfSchema(): Path[] {
  const root = configJsonSchema() as JsonSchema;
  const found = new Map<string, Path>();
  const visit = (schema: JsonSchema, path: Path, refs: readonly string[]): void => {
    if (path.length > DEEPEST) return;
    if (schema.$ref !== undefined) {
      const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
      const target = root.$defs?.[name];
      if (target !== undefined && refs.filter((ref) => ref === name).length < 2) visit(target, path, [...refs, name]);
      return;
    }
    for (const [key, child] of Object.entries(schema.properties ?? {})) visit(child, [...path, key], refs);
    if (schema.items !== undefined) visit(schema.items, [...path, 0], refs);
    if (typeof schema.additionalProperties === "object") visit(schema.additionalProperties, [...path, "own"], refs);
    for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) visit(branch, path, refs);
    const isLeaf = schema.properties === undefined && schema.items === undefined && path.length > 0;
    if (isLeaf) found.set(JSON.stringify(path), path);
  };
  visit(root, [], []);
  return [...found.values()];
}

/**
 * A copy of the document with a value at a place; what is on the way there is made where it is
 * missing, or in the way.
 */
export function withValueAt(document: unknown, path: Path, value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (typeof part === "number") {
    const list: unknown[] = Array.isArray(document) ? [...document] : [];
    list[part] = withValueAt(list[part], rest, value);
    return list;
  }
  const values = typeof document === "object" && document !== null && !Array.isArray(document) ? document : {};
  return { ...values, [part]: withValueAt(Reflect.get(values, part), rest, value) };
}
