import { rm } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../core/errors.ts";
import { openDirectory, writeBeside } from "../core/atomic-write.ts";
import type { Env } from "../telemetry/env.ts";
import { inTime } from "./in-time.ts";

/**
 * Tries to write into a directory; rejects where that is refused, and never ends where the file
 * system hangs.
 */
export type TryDirectory = (directory: string) => Promise<void>;

interface DataDirEnv extends Pick<Env, "clock" | "log"> {
  readonly tryOut?: TryDirectory;
}

/**
 * What is kept under `node.data_dir` is no condition for routing: a directory that cannot be used
 * is told as an error, and the node starts. False: it does not answer, so nobody is to touch it.
 * One that only refuses may be readable.
 */
export async function openDataDir(
  directory: string,
  { clock, log, tryOut = tryWriting }: DataDirEnv,
): Promise<boolean> {
  let answered = false;
  const refusal = await inTime(
    clock,
    tryOut(directory).then(
      () => undefined,
      (cause: unknown) => reasonOf(cause),
    ),
  ).then(
    (reason) => {
      answered = true;
      return reason;
    },
    (cause: unknown) => reasonOf(cause),
  );
  if (refusal === undefined) return true;
  log.error("node.data_dir cannot be used: versions of the config and operator states end with this process", {
    directory,
    reason: refusal,
    hint: "name a directory on a local disk that this process may write to, and restart",
  });
  return answered;
}

async function tryWriting(directory: string): Promise<void> {
  await openDirectory(directory);
  await rm(await writeBeside(join(directory, "try"), "", 0o600), { force: true });
}
