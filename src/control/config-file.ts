import {
  chmodSync,
  chownSync,
  closeSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { reasonOf } from "../core/errors.ts";
import { syncDirectory, TEMPORARY, writeBeside } from "../core/atomic-write.ts";
import { piecesOf } from "../core/text-pieces.ts";
import { fileStateOf } from "./file-state.ts";

const READ_BYTES = 65_536;
/** Of UTF-16, which take no more bytes than that. */
const PIECE_UNITS = Math.floor(READ_BYTES / 3);

/** What came of writing the config file. */
type FileOutcome =
  | {
      readonly kind: "written";
      /** Ends when that holds after a power cut, too, as far as the file system can say. */
      readonly safe: Promise<void>;
    }
  /** It does not hold what it was expected to: somebody has edited it. It is left alone. */
  | { readonly kind: "changed" }
  | { readonly kind: "unwritable"; readonly reason: string };

/** The file that is the truth about the config. */
export interface ConfigFile {
  /**
   * Writes `next` beside the file, for the `replace` that is to come: what takes time of it is done
   * before. What is never used is removed at the end of what it gives. Never throws.
   */
  stage(next: string): AsyncDisposable;
  /**
   * Puts `next` in the place of `expected`, at once and as a whole; the file's mode and owner stay,
   * and a symbolic link stays one. Never rejects.
   */
  replace(expected: string, next: string): Promise<FileOutcome>;
}

/** `state`: of the file, as `fileStateOf` gives it. */
type TellWritten = (text: string, state: string) => void;

/** A text that is to be the file's, written to a file beside it. */
interface NewFile {
  /** Past symbolic links. */
  readonly file: string;
  readonly temporary: string;
}

interface StagedText {
  readonly text: string;
  /** Undefined: it could not be written. */
  readonly beside: Promise<NewFile | undefined>;
}

/**
 * `onWritten` is told in the same moment in which the file has the new text, so that the watch does
 * not take it for an edit.
 */
export function openConfigFile(name: string, onWritten: TellWritten): ConfigFile {
  let staged: StagedText | undefined;
  return {
    stage(text) {
      const mine: StagedText = { text, beside: writeOnce(name, text).catch(() => undefined) };
      staged = mine;
      return {
        async [Symbol.asyncDispose]() {
          if (staged === mine) staged = undefined;
          discard(await mine.beside); // it is there no more where it was put in
        },
      };
    },
    async replace(expected, next) {
      const ready = staged?.text === next ? staged.beside : undefined;
      if (ready !== undefined) staged = undefined;
      try {
        return await replaceFile(name, expected, { text: next, beside: await ready }, onWritten);
      } catch (cause) {
        return { kind: "unwritable", reason: reasonOf(cause) };
      }
    },
  };
}

/**
 * Removes what was written beside the file before this time, by processes that were killed while
 * they changed it. Never throws.
 */
export function removeLeftovers(name: string, beforeMs: number): void {
  try {
    const file = realpathSync(name);
    for (const other of readdirSync(dirname(file))) {
      if (!TEMPORARY.test(other) || other.replace(TEMPORARY, "") !== basename(file)) continue;
      const left = join(dirname(file), other);
      if (statSync(left).mtimeMs < beforeMs) rmSync(left, { force: true });
    }
  } catch {
    // No such directory, or one that is not for this process to write: they take room, and no more.
  }
}

/** Of what a file is made with, those that say who may do what. */
const MODE_BITS = 0o7777;

async function writeOnce(name: string, text: string): Promise<NewFile> {
  const file = realpathSync(name);
  const { mode } = await stat(file);
  return { file, temporary: await writeBeside(file, text, mode & MODE_BITS) };
}

function discard(beside: NewFile | undefined): void {
  if (beside !== undefined) rmSync(beside.temporary, { force: true });
}

async function replaceFile(
  name: string,
  expected: string,
  next: { readonly text: string; readonly beside: NewFile | undefined },
  onWritten: TellWritten,
): Promise<FileOutcome> {
  let { beside } = next;
  try {
    const file = realpathSync(name);
    if (beside?.file !== file) {
      discard(beside); // written beside another file: the link led there
      beside = undefined;
      if (!holds(file, expected)) return { kind: "changed" };
      beside = await writeOnce(name, next.text);
    }
    keepForm(beside);
    // Looked at once more, and renamed without anything of this process in between: an edit by hand
    // has no time to be lost.
    if (!holds(beside.file, expected)) return { kind: "changed" };
    renameSync(beside.temporary, beside.file);
    onWritten(next.text, fileStateOf(statSync(beside.file, { bigint: true })));
  } finally {
    discard(beside);
  }
  return { kind: "written", safe: syncDirectory(dirname(beside.file)) };
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

/**
 * Mode and owner as the file has them now, which may be others than when it was written. Only root
 * can give a file away; for all others it is theirs, as it was.
 */
function keepForm({ file, temporary }: NewFile): void {
  const made = statSync(temporary);
  const { mode, uid, gid } = statSync(file);
  if (made.mode !== mode) chmodSync(temporary, mode & MODE_BITS);
  if (made.uid === uid && made.gid === gid) return;
  try {
    chownSync(temporary, uid, gid);
  } catch {
    // The directory may be written, the owner not changed: the content is right, and that is what
    // was asked for.
  }
}
