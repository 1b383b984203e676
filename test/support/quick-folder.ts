import { accessSync, constants, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files in it are in memory (Linux). */
const IN_MEMORY = "/dev/shm";
const USUAL_BYTES = 33_554_432;
/** No memory has that. */
export const ALWAYS_ON_DISK = Number.POSITIVE_INFINITY;

/**
 * A new folder for files of tests that ask whether something is done in time: a disk that others
 * keep busy takes seconds for a sync, and memory does not. On disk where there is no room for
 * `neededBytes`.
 */
export function makeQuickFolder(name: string, neededBytes = USUAL_BYTES): string {
  return mkdtempSync(join(hasRoom(IN_MEMORY, neededBytes) ? IN_MEMORY : tmpdir(), name));
}

function hasRoom(folder: string, neededBytes: number): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= neededBytes;
  } catch {
    return false;
  }
}
