import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeText } from "./encoded-text.ts";

/** Only for the owner: what is kept may hold secrets. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** Names of files that a write left when the process was killed in the middle of it. */
export const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/u;

/**
 * Writes a whole file, in parts or as one text, so that it is there as it was before or as it is to
 * be, also after a power cut.
 */
export async function writeAtomically(file: string, text: string | readonly string[]): Promise<void> {
  const temporary = await writeBeside(file, text, FILE_MODE);
  try {
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  await syncDirectory(dirname(file));
}

/**
 * Writes the text to a new file in the same directory, safe on disk, and gives its name: to be
 * renamed, or removed.
 */
export async function writeBeside(file: string, text: string | readonly string[], mode: number): Promise<string> {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, "wx", mode);
    await handle.chmod(mode); // the umask may have taken from it
    await writeParts(handle, typeof text === "string" ? [text] : text);
    await handle.sync();
    return temporary;
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  } finally {
    await handle?.close();
  }
}

/** In UTF-8. */
async function writeParts(handle: FileHandle, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    using encoded = encodeText(part);
    await writeWhole(handle, encoded.bytes);
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** A directory for what this process keeps; made where it is missing. */
export async function openDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
}

/**
 * A rename is safe on disk only when the directory is. Where directories cannot be synced, nothing
 * is lost by not doing it.
 */
export async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory, "r");
    await handle.sync();
  } catch {
    // Not every file system can.
  } finally {
    await handle?.close();
  }
}
