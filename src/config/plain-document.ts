import type { PlainDocument } from "./parsed-document.ts";
import { PlainReader } from "./plain-reader.ts";
import { NOT_PLAIN } from "./plain-tokens.ts";

/**
 * Reads the plain part of YAML, and with it JSON, some twenty times as fast as the YAML library:
 * block mappings and lists, collections in braces on one line (or the whole document in them), and
 * texts on one line. Gives values without their places. A rule, or a section at the top, that goes
 * beyond that is read by the library, by itself. Undefined for all else (what refers to other
 * rules, a key given twice, whatever is wrong): then the library reads the document, and says what
 * is to be said of it.
 */
export function readPlain(text: string): PlainDocument | undefined {
  return NOT_PLAIN.test(text) ? undefined : new PlainReader(text).document();
}
