import { type Seen, seeValue, textOf } from "./any-value.ts";
import { joinFields, KeyValueReader } from "./key-value.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const RESOURCE = 0x0a;
const ATTRIBUTES = 0x0a;

/**
 * Rules see so many of a resource's attributes, the first ones: nobody sends more, and each is kept
 * decoded.
 */
const MAX_SEEN = 16_384;

/** The attributes of a resource, by key. The first attribute of a key counts. */
export interface Attributes {
  get(key: string): Seen | undefined;
}

/** A resource as rules see it. Decoded once for each distinct resource, so that it may be slow. */
interface ResourceView {
  /** The first attribute of a key counts. */
  readonly attributes: ReadonlyMap<string, Seen>;
}

/** Decodes the Resource message in `bytes`; what is malformed is left out. */
export function viewResource(bytes: Uint8Array): ResourceView {
  const attributes = new Map<string, Seen>();
  const pair = new KeyValueReader();
  const c = new Cursor(bytes, 0, bytes.length);
  let seen = 0;
  while (c.at < c.end && seen < MAX_SEEN) {
    const tag = readTag(c);
    if (tag !== ATTRIBUTES) {
      if (tag < 0 || !skipValue(c, tag)) break;
      continue;
    }
    const length = readLength(c);
    if (length < 0) break;
    seen++;
    if (pair.read(bytes, c.at, c.at + length)) {
      const key = textOf(bytes, pair.keyStart, pair.keyEnd);
      if (!attributes.has(key)) attributes.set(key, seeValue(pair.bytes, pair.valueStart, pair.valueEnd));
    }
    c.at += length;
  }
  return { attributes };
}

/**
 * Joins all occurrences of `resource` in the resource_x message [bodyStart, end): merging messages
 * is concatenation. Owned.
 */
export function joinResources(bytes: Uint8Array, bodyStart: number, end: number): Uint8Array {
  let joined = 0;
  const c = new Cursor(bytes, bodyStart, end);
  while (c.at < end) {
    const tag = readTag(c);
    const from = c.at;
    if (tag < 0 || !skipValue(c, tag)) break;
    if (tag === RESOURCE) {
      c.at = from;
      const length = readLength(c);
      joined += length;
      c.at += length;
    }
  }
  return joinFields(bytes, bodyStart, end, RESOURCE, joined);
}
