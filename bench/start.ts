import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startChild, untilListening } from "./child.ts";
import type { Child } from "./child.ts";

/** A process that was started, and where it listens. */
export interface Listening {
  readonly child: Child;
  readonly port: number;
}

/**
 * As the router's workers have it (src/server/workers/worker-flags.ts), so that what is compared
 * with them has the same advantage.
 */
const NODE_FLAGS = [
  "--min-semi-space-size=8",
  "--max-semi-space-size=8",
  "--heap-growing-percent=200",
  "--no-allocation-site-pretenuring",
  "--max-inlined-bytecode-size-cumulative=4000",
  "--max-inlined-bytecode-size=1000",
];

/** A server of this folder. */
export function startNode(file: string, ...ports: readonly number[]): Child {
  return startChild(process.execPath, [...NODE_FLAGS, join(import.meta.dirname, file), ...ports.map(String)]);
}

/** Waits until it accepts connections there; ends it where it does not. */
export async function listening(child: Child, port: number): Promise<Listening> {
  try {
    await untilListening(child, port);
    return { child, port };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

/** Why the program that a variable names cannot be run; undefined when it can. */
export function missingBinary(variable: string): string | undefined {
  const binary = process.env[variable];
  if (binary === undefined || binary === "") return `${variable} is not set`;
  return existsSync(binary) ? undefined : `${variable} names ${binary}, which is not there`;
}

/** What the program says of itself, its first line; undefined where it is not on the PATH. */
export function versionOf(command: string, ...args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return error === undefined ? `${stdout}${stderr}`.trim().split("\n", 1)[0] : undefined;
}
