import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Path } from "../../config/finding.ts";
import { compileGlob } from "../../config/glob.ts";
import { listOf, valueAt, valuesOf } from "../../config/values.ts";
import { pemFilesIn } from "../../config/pem.ts";
import { type ReferencePolicy, referencesIn, substitute } from "../../config/substitute.ts";
import { isNamePath } from "../../config/taint.ts";
import type { Problem } from "../../core/problem.ts";
import type { DocumentPlace } from "./prepare.ts";

/**
 * What a document may read of this machine. `all`: it is this machine's own file, or ran here
 * before. `allowed`: it comes by the API from an admin, and may read what the running document
 * reads or node.secrets of that allows. `none`: it comes from somebody who could not read any of
 * it.
 */
export type Follow = "all" | "allowed" | "none";

/**
 * The policy for reading a document beside the values of the one that runs; undefined where all may
 * be read.
 */
export function policyOf(follow: Follow, running: unknown, place: DocumentPlace): ReferencePolicy | undefined {
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

/** Parts of `node` that only the file can change: code, and what the API may read. */
export function hostOnly(before: unknown, after: unknown): Problem[] {
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
