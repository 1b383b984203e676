import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/signalbox.js", import.meta.url));
const FOLDER = new URL("../../examples/", import.meta.url);

/** The text of an example as it is published. */
export function readExample(name: string): string {
  return readFileSync(new URL(name, FOLDER), "utf8");
}

/**
 * The text of an example in which these texts are replaced, each of which must stand in it exactly
 * once: addresses, so that tests can run beside each other, and times that nobody wants to wait
 * for.
 */
export function exampleWith(name: string, replacements: Readonly<Record<string, string>>): string {
  let text = readExample(name);
  for (const [from, to] of Object.entries(replacements)) {
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${name} has "${from}" ${parts.length - 1} times`);
    text = parts.join(to);
  }
  return text;
}

export interface Validated {
  readonly exitCode: number | null;
  readonly stdout: string;
}

/** `signalbox validate` on an example, as people run it. */
export function validateExample(name: string): Validated {
  const cwd = fileURLToPath(FOLDER);
  const { status, stdout } = spawnSync(process.execPath, [BIN, "validate", name], { cwd, encoding: "utf8" });
  return { exitCode: status, stdout };
}
