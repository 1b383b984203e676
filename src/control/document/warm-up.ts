import { isQuickToRead, rulePlacesOf } from "../../config/document.ts";
import { isValues, listOf, textOf, valuesOf } from "../../config/values.ts";
import { type DocumentPlace, prepareFewLines, prepareText, rootOf } from "./prepare.ts";

/**
 * A change of the last rule of a long document that is known already, of which nothing is kept:
 * what the first change of it would compile and look for first is there then, and what was made of
 * the document is what it was. With patterns, which may take long to compare, there is none.
 */
export function warmUpChange(text: string, place: DocumentPlace): void {
  if (!isQuickToRead(text) || text.includes("regex") || rulePlacesOf(text) === undefined) return;
  const rule = listOf(valuesOf(rootOf(text))?.["rules"]).at(-1);
  const id = isValues(rule) ? textOf(rule["id"]) : undefined;
  if (!isValues(rule) || id === undefined) return;
  const value = { ...rule, conditions: [...listOf(rule["conditions"]), { service_name: "warm-up" }] };
  prepareFewLines({ kind: "put", section: "rules", id, value }, { running: text, follow: "allowed" }, place);
  prepareText(text, { running: text, follow: "all" }, place); // it is the document that was read last
}
