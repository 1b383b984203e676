import { diffDocuments } from "../../config/diff.ts";
import { parseText } from "../../config/document.ts";
import { formatPath } from "../../config/finding.ts";
import { filesFrom, loadConfig, type LoadResult } from "../../config/load.ts";
import type { ReferencePolicy } from "../../config/substitute.ts";
import { type Taint, taintsOf } from "../../config/taint.ts";
import { type Unrouted, unroutedBy } from "../../config/unrouted.ts";
import type { Config } from "../../config/schema/config.ts";
import type { Problem } from "../../core/problem.ts";
import { type Edit, editRoot, elementOf } from "./element.ts";
import { type Follow, hostOnly, policyOf } from "./follow.ts";
import { jsonIndentOf, rewriteKnown } from "./rewrite.ts";
import { REDACTED, restoreElement, restoreSecrets, unrestored } from "./secrets.ts";

/**
 * Where a document is from: all that reading it takes besides its text. Plain data, so that
 * another thread or process can be told.
 */
export interface DocumentPlace {
  /** What problems call it. */
  readonly name: string;
  /** Paths in it start here. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The running document that another one is to take the place of, and what that one may read of this
 * machine.
 */
export interface Beside {
  readonly running: string;
  readonly follow: Follow;
}

/** A document that could become the running one. */
export interface Prepared extends LoadResult {
  readonly text: string;
  /** What differs from the running one, as paths: `rules.payments.priority`. */
  readonly changed: readonly string[];
  /** What of the config came from elsewhere. */
  readonly taints: readonly Taint[];
  /** What has a way now and would have none; also among the problems, as warnings. */
  readonly unrouted: readonly Problem[];
}

/** A whole document, as somebody wants it. */
export interface Wanted {
  readonly text: string;
  /**
   * `json` is put into the form of the running document, so that a YAML file stays one and keeps
   * its comments.
   */
  readonly type: "yaml" | "json";
}

export type Preparation =
  | { readonly kind: "prepared"; readonly prepared: Prepared }
  | { readonly kind: "unknown" | "exists"; readonly id: string }
  /** What was sent cannot be read; places are in its own text. */
  | { readonly kind: "malformed"; readonly problems: readonly Problem[] }
  /** The running document cannot be made to say it, because anchors are in between. */
  | { readonly kind: "unwritable" };

/** Reads a config from its text, as loadConfig does, with files and environment. */
export function loadDocument(text: string, { name, folder, env }: DocumentPlace, policy?: ReferencePolicy): LoadResult {
  return loadConfig(text, { file: name, env, ...filesFrom(folder), ...(policy !== undefined && { policy }) });
}

/** The values of a document as written; undefined when it cannot be read. */
export function rootOf(text: string): unknown {
  const parsed = parseText(text.replace(/^\uFEFF/u, ""));
  return parsed.ok ? parsed.document.root : undefined;
}

/** Reads the document that a node is to be started with: there is none beside it yet. */
export function prepareFirst(text: string, place: DocumentPlace): Prepared {
  return withUnrouted({ ...loadDocument(text, place), text, changed: [] }, text, place);
}

/** Reads a document and tells what differs from the one that runs. */
export function prepareText(text: string, { running, follow }: Beside, place: DocumentPlace): Prepared {
  const root = rootOf(running);
  const { config, problems } = loadDocument(text, place, policyOf(follow, root, place));
  const changed = text === running ? [] : changesOf(root, rootOf(text));
  return withUnrouted({ config, problems, text, changed }, running, place);
}

/**
 * A document that ran here before: it reads what it read then, and what is the file's alone is as
 * it is now.
 */
export function prepareAgain(text: string, running: string, place: DocumentPlace): Prepared {
  const prepared = prepareText(text, { running, follow: "all" }, place);
  return refuse(hostOnly(rootOf(running), rootOf(text)), prepared);
}

/** The running document with one edit made, and read. */
export function prepareEdit(edit: Edit, { running, follow }: Beside, place: DocumentPlace): Preparation {
  const root = rootOf(running);
  const known = elementOf(root, edit.section, edit.id);
  const restored = edit.kind === "remove" ? edit : { ...edit, value: restoreElement(edit.section, edit.value, known) };
  const edited = editRoot(root, restored as Edit); // oxlint-disable-line typescript/no-unsafe-type-assertion -- restoring changes texts only
  return edited.kind === "edited" ? rewriteRunning(edited.root, { running, root, follow }, place) : edited;
}

/** The running document, made to be what somebody wants it to be, and read. */
export function prepareWanted(wanted: Wanted, { running, follow }: Beside, place: DocumentPlace): Preparation {
  const root = rootOf(running);
  const parsed = parseText(wanted.text);
  if (!parsed.ok || parsed.faults.length > 0) {
    const { problems } = loadDocument(wanted.text, place, policyOf(follow, root, place));
    return { kind: "malformed", problems: problems.map(withoutFile) };
  }
  const next = wanted.text.includes(REDACTED) ? restoreSecrets(parsed.document.root, root) : parsed.document.root;
  const isSameForm = (wanted.type === "json") === (jsonIndentOf(running) !== undefined);
  if (!isSameForm) return rewriteRunning(next, { running, root, follow }, place);
  const text = rewriteKnown(wanted.text, parsed.document.root, next);
  return prepareNext(text, next, { running, root, follow }, place, withoutFile);
}

interface Known extends Beside {
  /** The values of the running document. */
  readonly root: unknown;
}

function rewriteRunning(next: unknown, known: Known, place: DocumentPlace): Preparation {
  return prepareNext(rewriteKnown(known.running, known.root, next), next, known, place, withoutPlace);
}

function prepareNext(
  text: string | undefined,
  next: unknown,
  { running, root, follow }: Known,
  place: DocumentPlace,
  told: (problem: Problem) => Problem,
): Preparation {
  if (text === undefined) return { kind: "unwritable" };
  const { config, problems } = loadDocument(text, place, policyOf(follow, root, place));
  const found = { config, problems: problems.map(told), text, changed: changesOf(root, next) };
  const refused = [...hostOnly(root, next), ...stillRedacted(next)];
  return { kind: "prepared", prepared: refuse(refused, withUnrouted(found, running, place)) };
}

function refuse(problems: readonly Problem[], prepared: Prepared): Prepared {
  if (problems.length === 0) return prepared;
  return { ...prepared, config: undefined, problems: [...problems, ...prepared.problems] };
}

function stillRedacted(root: unknown): Problem[] {
  const message = `${REDACTED} stands where a secret has to, and there is none in this place yet`;
  const hint = "give the secret, or a reference such as ${env:NAME}";
  return unrestored(root).map((path) => ({ severity: "error", path: formatPath(path), message, hint }));
}

/** The places would be those of a text that is written nowhere yet. */
function withoutPlace({ position: _position, ...problem }: Problem): Problem {
  return withoutFile(problem);
}

/** A document that was sent is in no file; the places are in what was sent. */
function withoutFile({ file: _file, ...problem }: Problem): Problem {
  return problem;
}

function withUnrouted(made: Omit<Prepared, "taints" | "unrouted">, running: string, place: DocumentPlace): Prepared {
  const { config, problems, text } = made;
  if (config === undefined) return { ...made, taints: [], unrouted: [] };
  const mayLose = config.default_pool === undefined && text !== running;
  const before = mayLose ? loadDocument(running, place).config : undefined;
  const unrouted = before === undefined ? [] : unroutedBy(before, config).map((lost) => tellLost(lost, config));
  return { ...made, problems: [...problems, ...unrouted], taints: taintsOf(config), unrouted };
}

function tellLost({ rule, signals }: Unrouted, { unmatched }: Config): Problem {
  const who = rule === undefined ? "the default pool takes" : `the rule ${rule} takes`;
  const fate = unmatched === "drop" ? "dropped" : "refused";
  const message = `${signals.join(" and ")} that ${who} now would be ${fate}: nothing takes all of them then`;
  const hint = "name a default_pool, or have a rule that takes them";
  return { severity: "warning", path: rule === undefined ? "default_pool" : "rules", message, hint };
}

function changesOf(before: unknown, after: unknown): string[] {
  return [...new Set(diffDocuments(before, after).map(({ path }) => path))];
}
