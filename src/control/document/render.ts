import { Document, isScalar, type ToStringOptions, visit } from "yaml";

const LAYOUT: ToStringOptions = { lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER };

/** How texts of several lines are written: as blocks, or in quotes on one line. */
export type LongTexts = "blocks" | "quotes";

/**
 * A value as YAML in block style, without a line break at its end; lines after the first are
 * indented by `column`.
 */
export function renderBlock(value: unknown, column: number, long: LongTexts): string {
  const document = documentOf(value);
  if (long === "quotes") {
    visit(document, {
      Scalar(_, scalar) {
        if (isScalar(scalar) && /\n/u.test(String(scalar.value))) scalar.type = "QUOTE_DOUBLE";
      },
    });
  }
  return indentRest(document.toString(LAYOUT), column);
}

/** A value as YAML on one line, fit to stand in braces or brackets. */
export function renderFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(", ")}]`;
  if (typeof value !== "object" || value === null) return scalarInFlow(value);
  const pairs = Object.entries(value).map(([key, entry]) => `${scalarInFlow(key)}: ${renderFlow(entry)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/**
 * A value as JSON; with a unit of indentation on several lines, those after the first indented by
 * `column` besides.
 */
export function renderJson(value: unknown, unit: string, column: number): string {
  return indentRest(JSON.stringify(value, bigintAsNumber, unit), column);
}

/** Whether there is nothing in it that could stand on a line of its own. */
export function isInline(value: unknown): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

/** Within a list, so that a text gets quotes wherever it must have them between brackets. */
function scalarInFlow(value: unknown): string {
  if (typeof value === "string" && /[\n\r]/u.test(value)) return JSON.stringify(value);
  const text = documentOf([value]).toString({ ...LAYOUT, collectionStyle: "flow" });
  return text.trim().slice(1, -1).trim();
}

function documentOf(value: unknown): Document {
  return new Document(value, { aliasDuplicateObjects: false });
}

function indentRest(text: string, column: number): string {
  return text.replace(/\n+$/u, "").replaceAll(/\n(?=[^\n])/gu, `\n${" ".repeat(column)}`);
}

function bigintAsNumber(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- Node has it, the types of this version do not
  return rawJSON === undefined ? value.toString() : rawJSON(value.toString());
}
