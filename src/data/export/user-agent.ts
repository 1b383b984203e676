import { readFileSync } from "node:fs";

/** `Signalbox/<version>`. The manifest is in the same place for src/ and dist/. */
export const USER_AGENT = `Signalbox/${versionIn(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))}`;

function versionIn(manifest: string): string {
  return /"version": "([^"]+)"/u.exec(manifest)?.[1] ?? "unknown";
}
