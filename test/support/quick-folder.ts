import { accessSync, constants, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files in it are in memory (Linux). */
const IN_MEMORY = "/dev/shm";
const NEEDED_BYTES = 33_554_432;

/**
 * A new folder for small files of tests that ask whether something is done in time: a disk that
 * others keep busy takes seconds for a sync, and memory does not. On disk where there is none.
 */
export function makeQuickFolder(name: string): string {
  return mkdtempSync(join(hasRoom(IN_MEMORY) ? IN_MEMORY : tmpdir(), name));
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= NEEDED_BYTES;
  } catch {
    return false;
  }
}
