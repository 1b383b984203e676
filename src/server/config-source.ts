import { dirname, resolve } from "node:path";
import { MAX_DOCUMENT_BYTES } from "../config/document.ts";
import type { LoadResult } from "../config/load.ts";
import { openDocumentService } from "../control/document/document-service.ts";
import { type DocumentPlace, loadDocument } from "../control/document/prepare.ts";
import type { Clock } from "../core/clock.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import { readBounded } from "../core/read-bounded.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigSource {
  /** undefined: not from a file, so never read again. */
  readonly file: string | undefined;
  /** The document. */
  readonly text: string;
  readonly place: DocumentPlace;
  /** Parses and validates another version of it. */
  readonly load: (text: string) => LoadResult;
}

/** A config file, read once. Paths in it start at its folder. Fails with CONFIG_UNREADABLE. */
export function fileSource(file: string, env: Environment): ConfigSource {
  const path = resolve(file);
  try {
    return textSource(
      readBounded(path, MAX_DOCUMENT_BYTES).toString(),
      { name: file, folder: dirname(path), file: path },
      env,
    );
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const hint = isMissing ? { hint: "signalbox demo --print-config prints a config to begin with" } : {};
    throw new RouterError("CONFIG_UNREADABLE", `cannot read ${file}: ${reasonOf(cause)}`, { cause, ...hint });
  }
}

/**
 * Parses and validates it, a large one in a process of its own: what that takes is many times the
 * config, and is given back with the process. Fails with CONFIG_UNREADABLE when it is too much.
 */
export async function readSource({ text, place }: ConfigSource, clock: Clock): Promise<LoadResult> {
  await using documents = openDocumentService({ clock });
  return await documents.prepareFirst(text, place);
}

/**
 * A document that is there already. `name` is what problems call it; without `file` it is never
 * read again.
 */
export function textSource(
  text: string,
  from: { readonly name: string; readonly folder: string; readonly file: string | undefined },
  env: Environment,
): ConfigSource {
  const place = { name: from.name, folder: resolve(from.folder), env };
  return { file: from.file, text, place, load: (next) => loadDocument(next, place) };
}
