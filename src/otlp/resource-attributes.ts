import { type Seen, seeValue } from "./any-value.ts";
import { KeyValueReader } from "./key-value.ts";
import { type Attributes, viewResource } from "./resource.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const ATTRIBUTES = 0x0a;
const NOTHING = new Uint8Array(0);
/** Of a resource with more, all are decoded, as of one that is asked for more different keys. */
const MAX_FOUND = 64;
const MAX_ASKED = 8;

/**
 * The attributes of one resource after the other, as rules see them (resource.ts), each decoded
 * only when it is asked for: most rules ask for one or two of ten. To find where they are takes 0.2
 * us, to decode all of them 4. Valid until the next is opened.
 */
export class ResourceAttributes implements Attributes {
  #resource: Uint8Array = NOTHING;
  /** Of each: where its key begins and ends, and where it begins and ends itself. */
  readonly #places = new Int32Array(4 * MAX_FOUND);
  #found = 0;
  readonly #asked: string[] = [];
  readonly #seen: (Seen | undefined)[] = [];
  #askedCount = 0;
  #all: ReadonlyMap<string, Seen> | undefined;
  readonly #pair = new KeyValueReader();
  readonly #cursor = new Cursor(NOTHING, 0, 0);

  open(resource: Uint8Array): void {
    this.#resource = resource;
    this.#all = undefined;
    this.#found = this.#askedCount = 0;
    const c = this.#cursor;
    c.reset(resource, 0, resource.length);
    while (c.at < c.end && this.#found <= MAX_FOUND) {
      const tag = readTag(c);
      if (tag !== ATTRIBUTES) {
        if (tag < 0 || !skipValue(c, tag)) return;
        continue;
      }
      const length = readLength(c);
      if (length < 0) return;
      if (this.#pair.read(resource, c.at, c.at + length)) this.#note(c.at, c.at + length);
      c.at += length;
    }
  }

  get(key: string): Seen | undefined {
    if (this.#all !== undefined) return this.#all.get(key);
    for (let i = 0; i < this.#askedCount; i++) if (this.#asked[i] === key) return this.#seen[i];
    if (this.#askedCount === MAX_ASKED || this.#found > MAX_FOUND || !isAscii(key)) return this.#decode().get(key);
    const seen = this.#find(key);
    this.#asked[this.#askedCount] = key;
    this.#seen[this.#askedCount++] = seen;
    return seen;
  }

  /** Nothing of the resource stays here. */
  release(): void {
    this.#resource = NOTHING;
    this.#all = undefined;
    this.#cursor.reset(NOTHING, 0, 0);
    this.#pair.release();
  }

  #note(start: number, end: number): void {
    const at = 4 * this.#found++;
    if (at >= this.#places.length) return;
    this.#places[at] = this.#pair.keyStart;
    this.#places[at + 1] = this.#pair.keyEnd;
    this.#places[at + 2] = start;
    this.#places[at + 3] = end;
  }

  #find(key: string): Seen | undefined {
    const places = this.#places;
    for (let at = 0; at < 4 * this.#found; at += 4) {
      if (!this.#isKey(key, places[at]!, places[at + 1]!)) continue;
      const pair = this.#pair;
      pair.read(this.#resource, places[at + 2]!, places[at + 3]!);
      return seeValue(pair.bytes, pair.valueStart, pair.valueEnd);
    }
    return undefined;
  }

  #isKey(key: string, start: number, end: number): boolean {
    if (end - start !== key.length) return false;
    for (let i = 0; i < key.length; i++) if (this.#resource[start + i] !== key.charCodeAt(i)) return false;
    return true;
  }

  #decode(): ReadonlyMap<string, Seen> {
    const { attributes } = viewResource(this.#resource);
    this.#all = attributes;
    return attributes;
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
