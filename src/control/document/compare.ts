import { isDeepStrictEqual } from "node:util";
import { type ConfigChange, diffDocuments } from "../../config/diff.ts";
import { elementsOf, type Section } from "./element.ts";
import { rootOf } from "./prepare.ts";
import { redactText } from "./secrets.ts";
import { textDiff } from "../../core/text-diff.ts";

interface SectionDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What differs between two documents, and never a secret. */
export interface DocumentDiff {
  readonly rules: SectionDiff;
  readonly pools: SectionDiff;
  readonly targets: SectionDiff;
  /** All differences, elements by id: `rules.payments.priority`. */
  readonly paths: readonly ConfigChange[];
  /** A unified diff of the texts. */
  readonly text: string;
}

export function compareDocuments(
  from: { readonly name: string; readonly text: string },
  to: { readonly name: string; readonly text: string },
): DocumentDiff {
  const [before, after] = [rootOf(from.text), rootOf(to.text)];
  return {
    rules: compareSection(before, after, "rules"),
    pools: compareSection(before, after, "pools"),
    targets: compareSection(before, after, "targets"),
    paths: diffDocuments(before, after),
    text: textDiff(redactText(from.text), redactText(to.text), { from: from.name, to: to.name }),
  };
}

function compareSection(before: unknown, after: unknown, section: Section): SectionDiff {
  const was = new Map(elementsOf(before, section).map(({ id, value }) => [id, value]));
  const is = new Map(elementsOf(after, section).map(({ id, value }) => [id, value]));
  return {
    added: [...is.keys()].filter((id) => !was.has(id)),
    removed: [...was.keys()].filter((id) => !is.has(id)),
    changed: [...is].filter(([id, value]) => was.has(id) && !isDeepStrictEqual(was.get(id), value)).map(([id]) => id),
  };
}
