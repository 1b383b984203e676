import { itemsById } from "../../config/rule-ids.ts";
import { derivedList } from "../../core/derived-list.ts";
import { isValues, listOf, type Values } from "../../config/values.ts";

/** The parts of a document that are lists of named things. */
const SECTIONS = ["rules", "pools", "targets", "regions"] as const;
export type Section = (typeof SECTIONS)[number];

/**
 * Those that are mappings: the key of an element is its name, and not in it. They have no order.
 */
const KEYED: ReadonlySet<Section> = new Set(["pools", "regions"]);

export function isKeyed(section: Section): boolean {
  return KEYED.has(section);
}

/**
 * A change of one rule, pool, target or region, as written in the document: a pool without its
 * name, a region without its id, all else with its id.
 */
export type Edit = ElementEdit | SettingsEdit;

/**
 * A change of the settings that stand at a place of the document: what is named is so from then on,
 * what is null is taken out, and what is within a mapping is changed in the same way (RFC 7396).
 */
interface SettingsEdit {
  readonly kind: "merge";
  /** Keys from the top. */
  readonly at: readonly string[];
  readonly patch: Values;
}

export type ElementEdit =
  /** At the end, or in front of the element with the id `before`. */
  | {
      readonly kind: "add";
      readonly section: Section;
      readonly id: string;
      readonly value: Values;
      readonly before?: string | undefined;
    }
  | { readonly kind: "put"; readonly section: Section; readonly id: string; readonly value: Values }
  | { readonly kind: "remove"; readonly section: Section; readonly id: string };

type Edited =
  | { readonly kind: "edited"; readonly root: Values }
  /** There is no element of this id. */
  | { readonly kind: "unknown"; readonly id: string }
  | { readonly kind: "exists"; readonly id: string };

/** The document's values after an edit; what they were stays untouched. */
export function editRoot(root: unknown, edit: Edit): Edited {
  if (edit.kind === "merge") {
    const patch = edit.at.reduceRight((within: Values, key) => ({ [key]: within }), edit.patch);
    return { kind: "edited", root: merged(root, patch) };
  }
  const { section, id } = edit;
  const values = isValues(root) ? root : {};
  const isThere = elementOf(values, section, id) !== undefined;
  if (edit.kind === "add" && isThere) return { kind: "exists", id };
  if (edit.kind !== "add" && !isThere) return { kind: "unknown", id };
  if (edit.kind === "add" && edit.before !== undefined && elementOf(values, section, edit.before) === undefined) {
    return { kind: "unknown", id: edit.before };
  }
  const edited = isKeyed(section) ? editMapping(values[section], edit) : editList(values[section], edit);
  return { kind: "edited", root: { ...values, [section]: edited } };
}

function merged(before: unknown, patch: Values): Values {
  const next = { ...(isValues(before) ? before : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key];
    else next[key] = isValues(value) ? merged(next[key], value) : value;
  }
  return next;
}

/** One element as written; undefined when there is none of this id. */
export function elementOf(root: unknown, section: Section, id: string): unknown {
  const held = isValues(root) ? root[section] : undefined;
  if (isKeyed(section)) return isValues(held) && Object.hasOwn(held, id) ? held[id] : undefined;
  return listOf(held)[placeIn(listOf(held), id)];
}

/** All elements of a section, in the order of the document. */
export function elementsOf(root: unknown, section: Section): { readonly id: string; readonly value: unknown }[] {
  const held = isValues(root) ? root[section] : undefined;
  if (isKeyed(section)) return Object.entries(isValues(held) ? held : {}).map(([id, value]) => ({ id, value }));
  return listOf(held).map((value) => ({ id: isValues(value) ? String(value["id"]) : "", value }));
}

function editMapping(held: unknown, edit: ElementEdit): Values {
  const elements = isValues(held) ? held : {};
  if (edit.kind !== "remove") return { ...elements, [edit.id]: edit.value };
  return Object.fromEntries(Object.entries(elements).filter(([name]) => name !== edit.id));
}

function editList(held: unknown, edit: ElementEdit): readonly unknown[] {
  const list = listOf(held);
  const at = placeIn(list, edit.id);
  if (edit.kind === "remove") return derivedList(list, at, 1, []);
  if (edit.kind === "put") return derivedList(list, at, 1, [edit.value]);
  const before = edit.before === undefined ? -1 : placeIn(list, edit.before);
  return derivedList(list, before === -1 ? list.length : before, 0, [edit.value]);
}

/** -1: there is none of this id. */
function placeIn(list: readonly unknown[], id: string): number {
  const known = itemsById(list);
  if (known !== undefined) return known.has(id) ? list.indexOf(known.get(id)) : -1;
  return list.findIndex((value) => isValues(value) && String(value["id"]) === id);
}
