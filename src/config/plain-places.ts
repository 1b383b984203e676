import type { Path } from "./finding.ts";
import { newPlace, offsetOf, type Place } from "./place.ts";
import type { PlainDocument } from "./parsed-document.ts";
import { PlainReader } from "./plain-reader.ts";

/**
 * `offsetOf` in a document that `readPlain` has read: of many rules only those asked for are read.
 */
export function offsetsIn(document: PlainDocument): (path: Path, at: "key" | "value") => number {
  const rules = new Map<number, Place>();
  let whole: Place | undefined;
  let others: Place | undefined;
  return (path, at) => {
    const [list, index] = path;
    const starts = document.ruleStarts ?? [];
    const isBesideRules = list !== "rules" || (path.length === 1 && at === "key");
    if (isBesideRules && starts.length > 0) {
      others ??= readPlaces(withoutRules(document));
      const offset = offsetOf(others, path, at);
      return offset < starts[0]! ? offset : offset + starts.at(-1)! - starts[0]!;
    }
    if (typeof index !== "number" || starts[index + 1] === undefined)
      return offsetOf((whole ??= readPlaces(document.text)), path, at);
    const rule = rules.get(index) ?? readRule(document, index);
    rules.set(index, rule);
    return starts[index]! + offsetOf(rule, [0, ...path.slice(2)], at);
  };
}

/** The places of all values of a text that `readPlain` reads. */
function readPlaces(text: string): Place {
  const place = newPlace(0, undefined);
  new PlainReader(text, place).document();
  return place;
}

/** What follows the rules stands where they begin. */
function withoutRules({ text, ruleStarts: starts = [] }: PlainDocument): string {
  return text.slice(0, starts[0]) + text.slice(starts.at(-1));
}

/** As the only one of its list; offsets from where it begins. */
function readRule({ text, ruleStarts: starts = [], isFlow }: PlainDocument, index: number): Place {
  const [start, end] = [starts[index]!, starts[index + 1]!];
  const place = newPlace(0, undefined);
  const part = text.slice(start, end);
  new PlainReader(isFlow ? `${part}]` : part, place).entries(isFlow ? undefined : text.indexOf("-", start) - start);
  return place;
}
