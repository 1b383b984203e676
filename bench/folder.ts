import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Removed with this process, whatever ends it. */
const folders = new Set<string>();
process.on("exit", () => folders.forEach(remove));

/** An empty folder that is removed with its scope. */
export interface Folder extends Disposable {
  readonly path: string;
}

export function openFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
  folders.add(path);
  return { path, [Symbol.dispose]: () => remove(path) };
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  folders.delete(path);
}
