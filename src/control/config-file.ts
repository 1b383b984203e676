import { chownSync, closeSync, openSync, readSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { reasonOf } from "../core/errors.ts";
import { syncDirectory, writeBeside } from "../core/atomic-write.ts";
import { piecesOf } from "../core/text-pieces.ts";

const READ_BYTES = 65_536;
/** Of UTF-16, which take no more bytes than that. */
const PIECE_UNITS = Math.floor(READ_BYTES / 3);

/** What came of writing the config file. */
type FileOutcome =
  | { readonly kind: "written" }
  /** It does not hold what it was expected to: somebody has edited it. It is left alone. */
  | { readonly kind: "changed" }
  | { readonly kind: "unwritable"; readonly reason: string };

/** The file that is the truth about the config. */
export interface ConfigFile {
  /**
   * Puts `next` in the place of `expected`, at once and as a whole; the file's mode and owner stay,
   * and a symbolic link stays one. Never rejects.
   */
  replace(expected: string, next: string): Promise<FileOutcome>;
}

/**
 * `onWritten` is told in the same moment in which the file has the new text, so that the watch does
 * not take it for an edit.
 */
export function openConfigFile(name: string, onWritten: (text: string) => void): ConfigFile {
  return {
    async replace(expected, next) {
      try {
        return await replaceFile(realpathSync(name), expected, next, onWritten);
      } catch (cause) {
        return { kind: "unwritable", reason: reasonOf(cause) };
      }
    },
  };
}

async function replaceFile(
  file: string,
  expected: string,
  next: string,
  onWritten: (text: string) => void,
): Promise<FileOutcome> {
  if (!holds(file, expected)) return { kind: "changed" };
  const { mode, uid, gid } = await stat(file);
  const temporary = await writeBeside(file, piecesOf(next), mode & 0o7777);
  try {
    keepOwner(temporary, uid, gid);
    // Looked at once more, and renamed without anything of this process in between: an edit by hand
    // has no time to be lost.
    if (!holds(file, expected)) return { kind: "changed" };
    renameSync(temporary, file);
    onWritten(next);
  } finally {
    rmSync(temporary, { force: true });
  }
  await syncDirectory(dirname(file));
  return { kind: "written" };
}

/**
 * Whether reading the file gives this text, also where it has bytes that are not UTF-8: they are
 * read as U+FFFD, as when the config was read.
 */
function holds(file: string, text: string): boolean {
  const descriptor = openSync(file, "r");
  try {
    return hasBytesOf(descriptor, text) || isReadAs(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** Compared as bytes, piece by piece: it may be long, and no text is made of it. */
function hasBytesOf(descriptor: number, text: string): boolean {
  const [wanted, found] = [Buffer.allocUnsafe(READ_BYTES), Buffer.allocUnsafe(READ_BYTES)];
  let position = 0;
  for (const piece of piecesOf(text, PIECE_UNITS)) {
    const length = wanted.write(piece);
    if (readSync(descriptor, found, { length, position }) !== length) return false;
    if (wanted.compare(found, 0, length, 0, length) !== 0) return false;
    position += length;
  }
  return readSync(descriptor, found, { length: 1, position }) === 0;
}

function isReadAs(descriptor: number, text: string): boolean {
  const decoder = new StringDecoder("utf8");
  const bytes = Buffer.allocUnsafe(READ_BYTES);
  let at = 0;
  for (let position = 0; ; ) {
    const length = readSync(descriptor, bytes, { position });
    const piece = length === 0 ? decoder.end() : decoder.write(bytes.subarray(0, length));
    if (!text.startsWith(piece, at)) return false;
    at += piece.length;
    position += length;
    if (length === 0) return at === text.length;
  }
}

/** Only root can give a file away; for all others it is theirs, as it was. */
function keepOwner(temporary: string, uid: number, gid: number): void {
  const made = statSync(temporary);
  if (made.uid === uid && made.gid === gid) return;
  try {
    chownSync(temporary, uid, gid);
  } catch {
    // The directory may be written, the owner not changed: the content is right, and that is what
    // was asked for.
  }
}
