import { spawn } from "node:child_process";
import { once } from "node:events";
import { findProgram, type ProgramName } from "../set-up/programs.ts";

/** What a program printed until its end. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** No program of the tests has more to do than this. */
const LIMIT_MS = 30_000;

/** Runs a program to its end, with `input` as what it reads; it is killed after half a minute. */
export async function run(name: ProgramName, args: readonly string[], input: string | Uint8Array = ""): Promise<Ended> {
  const child = spawn(findProgram(name) ?? name, args, { stdio: "pipe", timeout: LIMIT_MS, killSignal: "SIGKILL" });
  const out: Buffer[] = [];
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.on("error", () => undefined); // it ended without reading all
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: Buffer.concat(out), err };
}
