import { open, readFile, stat } from "node:fs/promises";
import { reasonOf } from "../core/errors.ts";
import { fileStateOf } from "./file-state.ts";

/** What reading a file that others write has found. */
type FoundContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly reason: string }
  /** A pipe or the like: what came by it was read once, at the start. */
  | { readonly kind: "no_file"; readonly reason: string }
  | { readonly kind: "unsettled" };

/** Changes whenever the file's content may have changed; empty when there is no file. */
export async function fingerprint(file: string): Promise<string> {
  try {
    return fileStateOf(await stat(file, { bigint: true }));
  } catch {
    return "";
  }
}

/**
 * The content of a file that was in this state before, if it still is when that was read. `known`:
 * what it is likely to be.
 */
export async function readSettled(file: string, before: string, known: string | undefined): Promise<FoundContent> {
  try {
    // Reading a pipe may take for ever, and what came by it is gone: it is read once, at the start.
    if (!(await stat(file)).isFile())
      return { kind: "no_file", reason: `${file} is no regular file: it is not read again` };
    const isKnown = known !== undefined && (await holdsText(file, known));
    const text = isKnown ? known : await readFile(file, "utf8");
    return (await fingerprint(file)) === before ? { kind: "text", text } : { kind: "unsettled" };
  } catch (cause) {
    return { kind: "unreadable", reason: reasonOf(cause) };
  }
}

/**
 * What a file that was in this state is likely to hold, for who may have read it in vain; undefined
 * where that cannot be said, or is too long for it. A writer may change it once more without
 * changing what `fingerprint` gives, within a tick of the system's clock.
 */
export async function glanceAt(file: string, state: string): Promise<string | undefined> {
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size > MOST_GLANCED_BYTES) return undefined;
    const text = await readFile(file, "utf8");
    return (await fingerprint(file)) === state ? text : undefined;
  } catch {
    return undefined; // whoever reads it in earnest is told
  }
}

/** Which is read in some ten milliseconds: 10,000 rules are 1.7 MB. */
const MOST_GLANCED_BYTES = 4 * 1_024 * 1_024;

/**
 * Whether these are the bytes of the file, piece by piece: of a long one that this process wrote
 * itself no text is made.
 */
async function holdsText(file: string, text: string): Promise<boolean> {
  const [wanted, found] = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)];
  await using handle = await open(file, "r");
  let position = 0;
  for (let at = 0; at < text.length; ) {
    const { read, written: length } = UTF8.encodeInto(text.slice(at), wanted);
    const { bytesRead } = await handle.read(found, 0, length, position);
    if (bytesRead !== length || wanted.compare(found, 0, length, 0, length) !== 0) return false;
    at += read;
    position += length;
  }
  const { bytesRead } = await handle.read(found, 0, 1, position);
  return bytesRead === 0;
}

/** A wait for the system each: of half the length they take half a millisecond more for 1.7 MB. */
const PIECE_BYTES = 262_144;
const UTF8 = new TextEncoder();
