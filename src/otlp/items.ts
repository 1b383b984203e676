import { Slack } from "./slack.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const SCOPE_X = 0x12;
const SCOPE = 0x0a;
const ITEM = 0x12;

const NOTHING = new Uint8Array(0);
const FIRST_ITEMS = 256;
const FIRST_SCOPES = 16;

/**
 * Where the items and scopes of one resource are, as struct of arrays: made only for resources that
 * a rule divides. Reused from resource to resource by its one owner. Works on input that
 * scanEnvelope has found well-formed.
 */
export class ItemIndex {
  items = 0;
  /** The item's field with tag and length: [outerStart, end). Its message: [bodyStart, end). */
  outerStart = new Int32Array(FIRST_ITEMS);
  bodyStart = new Int32Array(FIRST_ITEMS);
  end = new Int32Array(FIRST_ITEMS);
  /** Which scope an item stands in. */
  scopeOf = new Int32Array(FIRST_ITEMS);
  scopes = 0;
  scopeOuterStart = new Int32Array(FIRST_SCOPES);
  scopeBodyStart = new Int32Array(FIRST_SCOPES);
  scopeEnd = new Int32Array(FIRST_SCOPES);
  /** The items of a scope are the range [scopeFirst, scopeFirst of the next). */
  scopeFirst = new Int32Array(FIRST_SCOPES + 1);
  /**
   * The InstrumentationScope message; when it occurs several times its occurrences merge, and this
   * is the last.
   */
  nameStart = new Int32Array(FIRST_SCOPES);
  nameEnd = new Int32Array(FIRST_SCOPES);

  readonly #slack = new Slack();
  readonly #scopeSlack = new Slack();

  /** Lets go of arrays that only this resource needed as long as they are. */
  release(): void {
    if (this.#slack.gives(this.items, this.end.length)) this.#shrinkItems();
    if (this.#scopeSlack.gives(this.scopes, this.scopeEnd.length)) this.#shrinkScopes();
    this.items = this.scopes = 0;
    outer.reset(NOTHING, 0, 0);
    inner.reset(NOTHING, 0, 0);
    scopeCursor.reset(NOTHING, 0, 0);
  }

  #shrinkItems(): void {
    this.outerStart = new Int32Array(FIRST_ITEMS);
    this.bodyStart = new Int32Array(FIRST_ITEMS);
    this.end = new Int32Array(FIRST_ITEMS);
    this.scopeOf = new Int32Array(FIRST_ITEMS);
  }

  #shrinkScopes(): void {
    this.scopeOuterStart = new Int32Array(FIRST_SCOPES);
    this.scopeBodyStart = new Int32Array(FIRST_SCOPES);
    this.scopeEnd = new Int32Array(FIRST_SCOPES);
    this.nameStart = new Int32Array(FIRST_SCOPES);
    this.nameEnd = new Int32Array(FIRST_SCOPES);
    this.scopeFirst = new Int32Array(FIRST_SCOPES + 1);
  }

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

const outer = new Cursor(NOTHING, 0, 0);
const inner = new Cursor(NOTHING, 0, 0);

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
    c.at = indexRun(bytes, c.at, end, scope, into);
    if (c.at >= end) break;
    const start = c.at;
    const tag = readTag(c);
    if (tag === ITEM) {
      const length = readLength(c);
      noteItem(into, start, c.at, c.at + length, scope);
      c.at += length;
    } else if (tag === SCOPE) {
      const length = readLength(c);
      if (findName(bytes, c.at, c.at + length)) {
        nameStart = foundStart;
        nameEnd = foundEnd;
      }
      c.at += length;
    } else {
      skipValue(c, tag);
    }
  }
  into.nameStart[scope] = nameStart;
  into.nameEnd[scope] = nameEnd;
}

/**
 * The items from `at` on whose lengths have one or two bytes, up to the first field that is
 * anything else: nearly always all of a scope. Gives the place after them.
 */
function indexRun(bytes: Uint8Array, at: number, end: number, scope: number, into: ItemIndex): number {
  while (at < end && bytes[at] === ITEM) {
    const low = bytes[at + 1]!;
    const high = low < 0x80 ? 0 : bytes[at + 2]!;
    if (high >= 0x80) return at;
    const body = low < 0x80 ? at + 2 : at + 3;
    const next = body + (low & 0x7f) + (high << 7);
    noteItem(into, at, body, next, scope);
    at = next;
  }
  return at;
}

function noteItem(into: ItemIndex, start: number, body: number, end: number, scope: number): void {
  if (into.items === into.outerStart.length) into.growItems();
  const i = into.items++;
  into.outerStart[i] = start;
  into.bodyStart[i] = body;
  into.end[i] = end;
  into.scopeOf[i] = scope;
}

const SCOPE_NAME = 0x0a;
const scopeCursor = new Cursor(NOTHING, 0, 0);
/** What `findName` found last. */
let foundStart = 0;
let foundEnd = 0;

/**
 * Finds the range of `name` in an InstrumentationScope, the last one if there are several, up to
 * where it is malformed.
 */
function findName(bytes: Uint8Array, start: number, end: number): boolean {
  const c = scopeCursor;
  c.reset(bytes, start, end);
  let found = false;
  while (c.at < end) {
    const tag = readTag(c);
    if (tag === SCOPE_NAME) {
      const length = readLength(c);
      if (length < 0) return found;
      found = true;
      foundStart = c.at;
      foundEnd = c.at + length;
      c.at += length;
    } else if (tag < 0 || !skipValue(c, tag)) {
      return found;
    }
  }
  return found;
}
