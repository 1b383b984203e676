import { resolve } from "node:path";
import { referencesIn } from "./substitute.ts";
import { taintsOf } from "./taint.ts";

/** The files that a config was read from besides the document: certificates, keys, and those of `${file:...}`. Whole paths, each once. */
export function filesReadBy(config: object, folder: string): string[] {
  const files = taintsOf(config).flatMap(({ written, parts }) => {
    if (parts.length === 0) return [written];
    return referencesIn(written).flatMap(({ kind, name }) => (kind === "file" ? [name] : []));
  });
  return [...new Set(files.map((file) => resolve(folder, file)))];
}
