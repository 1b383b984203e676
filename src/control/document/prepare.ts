import { diffDocuments } from "../../config/diff.ts";
import { parseText } from "../../config/document.ts";
import { formatPath, type Path } from "../../config/finding.ts";
import { filesFrom, loadConfig, type LoadResult } from "../../config/load.ts";
import { type Reference, type ReferencePolicy, referencesIn, substitute } from "../../config/substitute.ts";
import { isNamePath, type Taint, taintsOf } from "../../config/taint.ts";
import { type Unrouted, unroutedBy } from "../../config/unrouted.ts";
import { RecentMap } from "../../core/recent-map.ts";
import type { Config } from "../../config/schema/config.ts";
import type { Problem } from "../../core/problem.ts";
import { type Edit, editRoot, type ElementEdit, elementOf } from "./element.ts";
import { jsonIndentOf, rewriteFew, rewriteKnown } from "./rewrite.ts";
import { publishFaults, withoutNode } from "./publish-faults.ts";
import { REDACTED, restoreElement, restoreSecrets, unrestored } from "./secrets.ts";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { compileGlob } from "../../config/glob.ts";
import { listOf, valueAt, valuesOf } from "../../config/values.ts";
import { pemFilesIn } from "../../config/pem.ts";

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
  /**
   * Of a node of a fleet: its own config file as it is now. `node` is from there, and documents
   * have none; what they may read of this machine is for that file to say.
   */
  readonly nodeText?: string | undefined;
  /** What problems of that file call it. */
  readonly nodeName?: string | undefined;
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

type ReadDocument = Omit<Prepared, "taints" | "unrouted">;

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
export function loadDocument(
  text: string,
  place: DocumentPlace,
  policy = fleetPolicy("allowed", place),
  positions = true,
): LoadResult {
  const { name, folder, env, nodeText, nodeName = name } = place;
  const own = nodeText === undefined ? undefined : { file: nodeName, text: nodeText };
  const known = policy === undefined ? {} : { policy };
  return loadConfig(text, { file: name, env, own, positions, ...filesFrom(folder), ...known });
}

/** The values of a document as written; undefined when it cannot be read. */
export function rootOf(text: string): unknown {
  const parsed = parseText(text);
  return parsed.ok ? parsed.document.root : undefined;
}

/** Reads the document that a node is to be started with: there is none beside it yet. */
export function prepareFirst(text: string, place: DocumentPlace): Prepared {
  return withUnrouted({ ...loadDocument(text, place), text, changed: [] }, text, place);
}

/** Reads a document and tells what differs from the one that runs. */
export function prepareText(text: string, beside: Beside, place: DocumentPlace): Prepared {
  return withUnrouted(readBeside(text, beside, place), beside.running, place);
}

/** The same but for what would be unrouted, which may take long to find out. */
export function readBeside(text: string, { running, follow }: Beside, place: DocumentPlace): ReadDocument {
  const root = rootOf(running);
  const { config, problems } = loadDocument(text, place, policyOf(follow, root, place));
  const changed = text === running ? [] : changesOf(root, rootOf(text));
  return { config, problems, text, changed };
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
export function prepareEdit(edit: Edit, beside: Beside, place: DocumentPlace): Preparation {
  return prepareEdited(edit, beside, place, rewriteKnown);
}

/** The same where it takes little; undefined where more than a few lines have to be looked at. */
export function prepareFewLines(edit: Edit, beside: Beside, place: DocumentPlace): Preparation | undefined {
  const made = prepareEdited(edit, beside, place, rewriteFew);
  return made.kind === "unwritable" ? undefined : made;
}

function prepareEdited(
  edit: Edit,
  { running, follow }: Beside,
  place: DocumentPlace,
  rewrite: typeof rewriteKnown,
): Preparation {
  const root = rootOf(running);
  const edited = editRoot(root, edit.kind === "merge" ? edit : withSecrets(edit, root));
  if (edited.kind !== "edited") return edited;
  const text = rewrite(running, root, edited.root);
  return prepareNext(text, edited.root, { running, root, follow }, place, withoutPlace);
}

/** What was shown without its secrets has them again. */
function withSecrets(edit: ElementEdit, root: unknown): ElementEdit {
  if (edit.kind === "remove") return edit;
  const known = elementOf(root, edit.section, edit.id);
  return { ...edit, value: restoreElement(edit.section, edit.value, known) } as ElementEdit; // oxlint-disable-line typescript/no-unsafe-type-assertion -- restoring changes texts only
}

/** The running document, made to be what somebody wants it to be, and read. */
export function prepareWanted(wanted: Wanted, { running, follow }: Beside, place: DocumentPlace): Preparation {
  const root = rootOf(running);
  const parsed = parseText(wanted.text);
  if (!parsed.ok || parsed.faults.length > 0) {
    const { problems } = loadDocument(wanted.text, place, policyOf(follow, root, place));
    return { kind: "malformed", problems: problems.map(withoutFile) };
  }
  const written = place.nodeText === undefined ? parsed.document.root : withoutNode(parsed.document.root);
  const next = wanted.text.includes(REDACTED) ? restoreSecrets(written, root) : written;
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
  const { config, problems } = loadDocument(text, place, policyOf(follow, root, place), told !== withoutPlace);
  const found = { config, problems: problems.map(told), text, changed: changesOf(root, next) };
  const fleet = place.nodeText === undefined ? [] : publishFaults(next);
  const refused = [...hostOnly(root, next), ...stillRedacted(next), ...fleet];
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

function withUnrouted(made: ReadDocument, running: string, place: DocumentPlace): Prepared {
  const { config, problems, text } = made;
  if (config === undefined) return { ...made, taints: [], unrouted: [] };
  const mayLose = config.default_pool === undefined && text !== running;
  const before = mayLose ? (prepared.get(running) ?? loadDocument(running, place).config) : undefined;
  if (config.default_pool === undefined) prepared.set(text, config);
  const unrouted = before === undefined ? [] : unroutedBy(before, config).map((lost) => tellLost(lost, config));
  return { ...made, problems: [...problems, ...unrouted], taints: taintsOf(config), unrouted };
}

/**
 * Configs without a default pool, by their texts: one of them runs, mostly, and need not be read
 * again beside what it is compared with. It is only asked which rules it has.
 */
const prepared = new RecentMap<Config>(1);

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

/**
 * What a document may read of this machine. `all`: it is this machine's own file, or ran here
 * before. `allowed`: it comes by the API from an admin, and may read what the running document
 * reads or node.secrets of that allows. `none`: it comes from somebody who could not read any of
 * it.
 */
type Follow = "all" | "allowed" | "none";

/**
 * The policy for reading a document beside the values of the one that runs; undefined where all may
 * be read.
 */
function policyOf(follow: Follow, running: unknown, place: DocumentPlace): ReferencePolicy | undefined {
  if (place.nodeText !== undefined) return fleetPolicy(follow, place);
  if (follow === "all") return undefined;
  if (follow === "none") return { follow: () => "unread", mayBeName: () => true };
  const known = knownTo(running, place);
  return {
    follow: ({ kind, name }) => {
      const allowed = kind === "env" ? known.mayReadEnv(name) : known.mayReadFile(resolve(place.folder, name));
      return allowed ? "follow" : "refuse";
    },
    mayBeName: (path, written) => known.names.has(nameKey(path, written)),
  };
}

/**
 * What the config of a fleet may read of this node: what `node.secrets` of the node's own file
 * allows, and what that file itself refers to outside of `node`. Undefined: it is no fleet's.
 */
function fleetPolicy(follow: Follow, place: DocumentPlace): ReferencePolicy | undefined {
  if (place.nodeText === undefined) return undefined;
  const { node, ...own } = valuesOf(rootOf(place.nodeText)) ?? {};
  const known = knownTo({ ...own, node: { secrets: valueAt(node, "secrets") } }, place);
  const isAllowed = ({ kind, name }: Reference): boolean =>
    kind === "env" ? known.mayReadEnv(name) : known.mayReadFile(resolve(place.folder, name));
  return {
    from: "store",
    follow(reference, [first]) {
      if (first === "node") return "follow";
      if (follow === "none") return "unread";
      return isAllowed(reference) ? "follow" : "refuse";
    },
    mayBeName: (path, written) => path[0] === "node" || known.names.has(nameKey(path, written)),
  };
}

/** Parts of `node` that only the file can change: code, and what the API may read. */
function hostOnly(before: unknown, after: unknown): Problem[] {
  const [was, is] = [hostParts(before), hostParts(after)];
  return (["plugins", "secrets"] as const).flatMap((key): Problem[] => {
    if (isDeepStrictEqual(was[key], is[key])) return [];
    const message = "belongs to this machine: the API cannot change it";
    return [{ severity: "error", path: `node.${key}`, message, hint: "change it in the config file of the node" }];
  });
}

/** Nothing written is the same as an empty list. */
function hostParts(root: unknown): { readonly plugins: readonly unknown[]; readonly secrets: object } {
  const node = valuesOf(valuesOf(root)?.["node"]) ?? {};
  const { files, env, ...rest } = valuesOf(node["secrets"]) ?? {};
  return { plugins: listOf(node["plugins"]), secrets: { ...rest, files: listOf(files), env: listOf(env) } };
}

interface FollowScope {
  readonly mayReadEnv: (name: string) => boolean;
  readonly mayReadFile: (path: string) => boolean;
  /** Names that the document takes from references, with where they stand. */
  readonly names: ReadonlySet<string>;
}

function knownTo(running: unknown, { folder, env }: DocumentPlace): FollowScope {
  const references = referencesIn(running);
  const variables = new Set(references.filter(({ kind }) => kind === "env").map(({ name }) => name));
  const files = new Set(references.filter(({ kind }) => kind === "file").map(({ name }) => resolve(folder, name)));
  // Paths of certificates may come from the environment themselves.
  const { root, taints } = substitute(running, { env, readFile: () => "" });
  for (const file of pemFilesIn(root)) files.add(resolve(folder, file));
  const secrets = valuesOf(valueAt(valuesOf(root) ?? {}, "node", "secrets")) ?? {};
  const [envGlobs, fileGlobs] = [globsIn(secrets["env"]), globsIn(secrets["files"])];
  return {
    mayReadEnv: (name) => variables.has(name) || envGlobs.some((fits) => fits(name)),
    mayReadFile: (path) => files.has(path) || fileGlobs.some((fits) => fits(path)),
    names: new Set(taints.filter(({ path }) => isNamePath(path)).map(({ path, written }) => nameKey(path, written))),
  };
}

function globsIn(list: unknown): ((text: string) => boolean)[] {
  return listOf(list).flatMap((glob) => (typeof glob === "string" ? compileGlob(glob) : []));
}

/** Elements of lists move: what counts is the kind of place. */
function nameKey(path: Path, written: string): string {
  return JSON.stringify([path.map((part) => (typeof part === "number" ? "*" : part)), written]);
}
