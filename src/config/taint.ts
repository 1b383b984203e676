import type { Secret } from "../core/secret.ts";
import type { Path } from "./finding.ts";

/** A text of a config of which something came from elsewhere: from the environment, or from a file. It is never shown. */
export interface Taint {
  /** Where it stands in the document. */
  readonly path: Path;
  /** As the document has it, with its references: what is shown in its place. */
  readonly written: string;
  /** With what the references stand for. */
  readonly value: Secret;
  /** What was put in, each with its reference. Not of certificates and keys, which are shown nowhere as texts. */
  readonly parts: readonly { readonly written: string; readonly value: Secret }[];
}

/** What came from elsewhere is kept beside a config and not in it, so that whoever prints a config does not print it. */
const beside = new WeakMap<object, readonly Taint[]>();

/** Told once by whoever made the config. */
export function rememberTaints(config: object, taints: readonly Taint[]): void {
  if (taints.length > 0) beside.set(config, taints);
}

/** What of a config came from elsewhere; nothing is known of configs that were not read from a document. */
export function taintsOf(config: object): readonly Taint[] {
  return beside.get(config) ?? [];
}

/**
 * Where names stand that are shown everywhere: in metrics, in the log, in every answer. What a file puts here it wants to be shown;
 * the API cannot put a reference here.
 */
const NAME_PATHS: readonly (readonly string[])[] = [
  ["node", "id"],
  ["node", "region"],
  ["node", "data_dir"],
  ["node", "listen", "*", "address"],
  ["node", "listen", "*", "region"],
  ["targets", "*", "id"],
  ["targets", "*", "region"],
  ["rules", "*", "id"],
];

/** Whether a name stands at this place that is shown everywhere. */
export function isNamePath(path: Path): boolean {
  return NAME_PATHS.some(
    (pattern) => pattern.length === path.length && pattern.every((part, i) => part === "*" || part === path[i]),
  );
}
