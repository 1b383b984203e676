import { resolve } from "node:path";
import type { Secret } from "../core/secret.ts";
import { referencesIn } from "./substitute.ts";
import { taintsOf } from "./taint.ts";

/** A file that a config was read from, besides its document. */
export interface FileRead {
  /** Whole path. */
  readonly file: string;
  /** What it held: of certificates and keys; undefined for those of `${file:...}`. */
  readonly text: Secret | undefined;
}

/** Certificates, keys, and files of `${file:...}`, each once. */
export function filesReadBy(config: object, folder: string): FileRead[] {
  const found = new Map<string, FileRead>();
  const add = (name: string, text: Secret | undefined): void => {
    const file = resolve(folder, name);
    if (!found.has(file)) found.set(file, { file, text });
  };
  for (const { written, value, parts } of taintsOf(config)) {
    if (parts.length === 0) add(written, value);
    else for (const { kind, name } of referencesIn(written)) if (kind === "file") add(name, undefined);
  }
  return [...found.values()];
}
