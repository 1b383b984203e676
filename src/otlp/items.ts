import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const SCOPE_X = 0x12;
const SCOPE = 0x0a;
const ITEM = 0x12;

/**
 * Where the items and scopes of one resource are, as struct of arrays: made only for resources that a rule divides.
 * Reused from resource to resource by its one owner. Works on input that scanEnvelope has found well-formed.
 */
export class ItemIndex {
  items = 0;
  /** The item's field with tag and length: [outerStart, end). Its message: [bodyStart, end). */
  outerStart = new Int32Array(256);
  bodyStart = new Int32Array(256);
  end = new Int32Array(256);
  /** Which scope an item stands in. */
  scopeOf = new Int32Array(256);
  scopes = 0;
  scopeOuterStart = new Int32Array(16);
  scopeBodyStart = new Int32Array(16);
  scopeEnd = new Int32Array(16);
  /** The items of a scope are the range [scopeFirst, scopeFirst of the next). */
  scopeFirst = new Int32Array(17);
  /** The InstrumentationScope message; when it occurs several times its occurrences merge, and this is the last. */
  nameStart = new Int32Array(16);
  nameEnd = new Int32Array(16);

  growItems(): void {
    this.outerStart = wider(this.outerStart);
    this.bodyStart = wider(this.bodyStart);
    this.end = wider(this.end);
    this.scopeOf = wider(this.scopeOf);
  }

  growScopes(): void {
    this.scopeOuterStart = wider(this.scopeOuterStart);
    this.scopeBodyStart = wider(this.scopeBodyStart);
    this.scopeEnd = wider(this.scopeEnd);
    this.nameStart = wider(this.nameStart);
    this.nameEnd = wider(this.nameEnd);
    this.scopeFirst = wider(this.scopeFirst);
  }
}

function wider(old: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(old.length * 2);
  next.set(old);
  return next;
}

const outer = new Cursor(new Uint8Array(0), 0, 0);
const inner = new Cursor(new Uint8Array(0), 0, 0);

/** Fills `into` from the resource_x message in [bodyStart, end). */
export function indexItems(bytes: Uint8Array, bodyStart: number, end: number, into: ItemIndex): void {
  into.items = 0;
  into.scopes = 0;
  const c = outer;
  c.reset(bytes, bodyStart, end);
  while (c.at < end) {
    const start = c.at;
    const tag = readTag(c);
    if (tag === SCOPE_X) {
      const length = readLength(c);
      indexScope(bytes, start, c.at, c.at + length, into);
      c.at += length;
    } else {
      skipValue(c, tag);
    }
  }
  into.scopeFirst[into.scopes] = into.items;
}

function indexScope(bytes: Uint8Array, outerStart: number, bodyStart: number, end: number, into: ItemIndex): void {
  if (into.scopes + 1 >= into.scopeFirst.length) into.growScopes();
  const scope = into.scopes++;
  into.scopeOuterStart[scope] = outerStart;
  into.scopeBodyStart[scope] = bodyStart;
  into.scopeEnd[scope] = end;
  into.scopeFirst[scope] = into.items;
  let nameStart = bodyStart;
  let nameEnd = bodyStart;
  const c = inner;
  c.reset(bytes, bodyStart, end);
  while (c.at < end) {
    const start = c.at;
    const tag = readTag(c);
    if (tag === ITEM) {
      if (into.items === into.outerStart.length) into.growItems();
      const length = readLength(c);
      const i = into.items++;
      into.outerStart[i] = start;
      into.bodyStart[i] = c.at;
      c.at += length;
      into.end[i] = c.at;
      into.scopeOf[i] = scope;
    } else if (tag === SCOPE) {
      const length = readLength(c);
      const [from, to] = scopeName(bytes, c.at, c.at + length);
      if (to >= 0) [nameStart, nameEnd] = [from, to];
      c.at += length;
    } else {
      skipValue(c, tag);
    }
  }
  into.nameStart[scope] = nameStart;
  into.nameEnd[scope] = nameEnd;
}

const NONE: readonly [number, number] = [-1, -1];
const SCOPE_NAME = 0x0a;
const scopeCursor = new Cursor(new Uint8Array(0), 0, 0);

/** The range of `name` in an InstrumentationScope, the last one if there are several; [-1, -1] when there is none or it is malformed. */
function scopeName(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  const c = scopeCursor;
  c.reset(bytes, start, end);
  let found = NONE;
  while (c.at < end) {
    const tag = readTag(c);
    if (tag === SCOPE_NAME) {
      const length = readLength(c);
      if (length < 0) return found;
      found = [c.at, c.at + length];
      c.at += length;
    } else if (tag < 0 || !skipValue(c, tag)) {
      return found;
    }
  }
  return found;
}
