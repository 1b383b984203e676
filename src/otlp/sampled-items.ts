import { allocOwned } from "../core/bytes.ts";
import { shortenList } from "../core/empty-list.ts";
import type { ItemIndex } from "./items.ts";
import type { AskedKernel, ListedAt } from "./kernel/asked-kernel.ts";
import type { SpanKernel } from "./kernel/span-kernel.ts";
import type { SpanThreshold } from "./kernel/span-threshold.ts";
import { MeasuredResources } from "./measured-resources.ts";
import { RangeWriter } from "./range-writer.ts";
import { beginsWithResource, type Envelope } from "./scan.ts";
import { Slack } from "./slack.ts";
import { fieldBytes, varintBytes } from "./wire.ts";

const [RESOURCE_X, SCOPE_X, ITEM] = [0x0a, 0x12, 0x12] as const;
/** What becomes of a resource. MEASURED: a part that the kernel writes. */
const [WHOLE, NOTHING, PART, MEASURED] = [0, 1, 2, 3] as const;
/**
 * What is told of an edit, one number after the other: which field it is in place of, where the
 * message in it begins, and where it is told what is changed in that.
 */
const [START, END, BODY, CHANGE, EDIT] = [0, 1, 2, 3, 4] as const;
/** In place of where the message begins: all of the field is left out. */
const LEFT_OUT = -1;
/** And of a change: what is cut out, and what of `added` is put at the end. */
const [CUT_START, CUT_END, ADD_START, ADD_END, CHANGED] = [0, 1, 2, 3, 4] as const;
/** And of a scope: its field, where its message begins, what that holds afterwards, and edits. */
const [OUTER_START, BODY_START, SCOPE_END, BYTES, EDITS, SCOPE] = [0, 1, 2, 3, 4, 5] as const;
const FIRST = 256;
const FIRST_ADDED = 1_024;

/**
 * Which items of a request stay, and what is changed in some of them: bytes cut out of one, and
 * others added at its end. Writes the request that is left of it. Resources are told of in order,
 * and so are scopes of a resource and items of a scope. One instance is used for all requests.
 */
export class SampledItems {
  /** What is added to items: `added` up to `addedEnd`. Grows by `room`. */
  added: Uint8Array = allocOwned(FIRST_ADDED);
  addedEnd = 0;
  kept = 0;
  changed = 0;
  /** How many of them there were before the resource, and before the scope. */
  #keptBefore = 0;
  #changedBefore = 0;
  #keptBeforeScope = 0;
  /** What the resource and the scope at hand hold afterwards, as far as it is known. */
  #resourceBody = 0;
  #scopeBody = 0;
  #resources = 0;
  #bytes = 0;
  #items = 0;
  /** What is left out or written anew. A run of items that are dropped is one edit. */
  #edits = new Int32Array(EDIT * FIRST);
  /** Where the next is told of; and where the first of the scope and of the resource is. */
  #editEnd = 0;
  #scopeEdits = 0;
  #resourceEdits = 0;
  #changes = new Int32Array(CHANGED * FIRST);
  #changeEnd = 0;
  /** Of the scopes in which there are edits, or of which nothing stays. */
  #scopes = new Int32Array(SCOPE * FIRST);
  #scopeEnd = 0;
  #resourceScopes = 0;
  #resourceFate = new Uint8Array(FIRST);
  #resourceBytes = new Int32Array(FIRST);
  /** Items of it that stay. */
  #resourceKept = new Int32Array(FIRST);
  /** Where its scopes end in `#scopes`. */
  #resourceScopeEnd = new Int32Array(FIRST);
  readonly #measured = new MeasuredResources();
  /** There are some of which a part stays that the kernel has not measured. */
  #hasParts = false;
  readonly #slack = new Slack();

  begin({ totalItems, totalScopes, resources }: Envelope): void {
    this.addedEnd = this.kept = this.changed = this.#keptBefore = this.#changedBefore = 0;
    this.#editEnd = this.#changeEnd = this.#scopeEnd = this.#resources = this.#bytes = 0;
    this.#measured.begin();
    this.#hasParts = false;
    this.#items = totalItems;
    if (EDIT * totalItems > this.#edits.length) this.#resize(totalItems);
    if (SCOPE * totalScopes > this.#scopes.length) this.#scopes = new Int32Array(2 * SCOPE * totalScopes);
    if (resources <= this.#resourceFate.length) return;
    this.#resourceFate = new Uint8Array(2 * resources);
    this.#resourceBytes = new Int32Array(2 * resources);
    this.#resourceKept = new Int32Array(2 * resources);
    this.#resourceScopeEnd = new Int32Array(2 * resources);
  }

  /** Makes room for so many bytes behind `addedEnd`. */
  room(bytes: number): void {
    if (this.addedEnd + bytes <= this.added.length) return;
    const wider = allocOwned(2 * (this.addedEnd + bytes));
    wider.set(this.added);
    this.added = wider;
  }

  takeWhole({ outerStart, end, items }: Envelope, r: number): void {
    this.kept += items[r]!;
    this.#keptBefore = this.kept;
    this.#resourceKept[this.#resources] = items[r]!;
    this.#resourceFate[this.#resources++] = WHOLE;
    this.#bytes += end[r]! - outerStart[r]!;
  }

  dropWhole(): void {
    this.#resourceFate[this.#resources++] = NOTHING;
  }

  /**
   * A resource that the kernel has measured: its message has so many bytes afterwards, and its
   * scopes are listed from `listed` on.
   */
  takeMeasured(bytes: number, { kept }: SpanKernel, to: SpanThreshold, listed: number): void {
    this.#takeMeasured(bytes, kept, kept, listed, to);
  }

  /** One whose spans rules were asked about: their verdicts are listed there. */
  takeAsked(envelope: Envelope, r: number, bytes: number, { kept, marked }: AskedKernel, at: ListedAt): void {
    if (kept === 0) this.dropWhole();
    else if (marked === 0 && kept === envelope.items[r]) this.takeWhole(envelope, r);
    else this.#takeMeasured(bytes, kept, marked, at.listed, at.verdicts);
  }

  #takeMeasured(bytes: number, kept: number, changed: number, listed: number, how: SpanThreshold | number): void {
    this.kept += kept;
    this.changed += changed;
    this.#keptBefore = this.kept;
    this.#changedBefore = this.changed;
    this.#measured.add(bytes, listed, how);
    this.#addResource(MEASURED, bytes, kept, 0);
  }

  /** A resource of which scopes are told one by one. */
  beginResource({ bodyStart, end }: Envelope, r: number): void {
    this.#resourceBody = end[r]! - bodyStart[r]!;
    this.#resourceEdits = this.#editEnd;
    this.#resourceScopes = this.#scopeEnd;
  }

  beginScope({ scopeBodyStart, scopeEnd }: ItemIndex, scope: number): void {
    this.#scopeBody = scopeEnd[scope]! - scopeBodyStart[scope]!;
    this.#scopeEdits = this.#editEnd;
    this.#keptBeforeScope = this.kept;
  }

  /** The item whose field is [start, end). */
  drop(start: number, end: number): void {
    const edits = this.#edits;
    const at = this.#editEnd;
    this.#scopeBody -= end - start;
    const last = at - EDIT;
    if (last >= this.#scopeEdits && edits[last + BODY] === LEFT_OUT && edits[last + END] === start) {
      edits[last + END] = end;
      return;
    }
    edits[at + START] = start;
    edits[at + END] = end;
    edits[at + BODY] = LEFT_OUT;
    this.#editEnd = at + EDIT;
  }

  /** As it is. */
  keep(): void {
    this.kept++;
  }

  /**
   * What is changed in the items that are told to be so: [addStart, addEnd) of `added` is at their
   * end, and [cutStart, cutEnd) of the request, which is in one of them or empty, is cut out.
   */
  describe(addStart: number, addEnd: number, cutStart: number, cutEnd: number): number {
    const changes = this.#changes;
    const at = this.#changeEnd;
    changes[at + CUT_START] = cutStart;
    changes[at + CUT_END] = cutEnd;
    changes[at + ADD_START] = addStart;
    changes[at + ADD_END] = addEnd;
    this.#changeEnd = at + CHANGED;
    return at;
  }

  /**
   * Keeps the item whose field is [start, end), and its message from `body` on, with a change that
   * makes it longer by `more` bytes.
   */
  change(start: number, body: number, end: number, change: number, more: number): void {
    const edits = this.#edits;
    const at = this.#editEnd;
    edits[at + START] = start;
    edits[at + END] = end;
    edits[at + BODY] = body;
    edits[at + CHANGE] = change;
    this.#editEnd = at + EDIT;
    this.#scopeBody += fieldBytes(end - body + more) - (end - start);
    this.kept++;
    this.changed++;
  }

  /**
   * All items of the scope have been told of. One that never had items goes along, as where
   * requests are cut (slice.ts).
   */
  endScope({ scopeOuterStart, scopeBodyStart, scopeEnd, scopeFirst }: ItemIndex, scope: number): void {
    const edits = this.#editEnd - this.#scopeEdits;
    if (edits === 0) return;
    const start = scopeOuterStart[scope]!;
    const end = scopeEnd[scope]!;
    const isLeftOut = this.kept === this.#keptBeforeScope && scopeFirst[scope + 1]! > scopeFirst[scope]!;
    if (isLeftOut) this.#editEnd = this.#scopeEdits;
    const scopes = this.#scopes;
    const at = this.#scopeEnd;
    scopes[at + OUTER_START] = start;
    scopes[at + BODY_START] = scopeBodyStart[scope]!;
    scopes[at + SCOPE_END] = end;
    scopes[at + BYTES] = isLeftOut ? LEFT_OUT : this.#scopeBody;
    scopes[at + EDITS] = isLeftOut ? 0 : edits;
    this.#scopeEnd = at + SCOPE;
    this.#resourceBody += (isLeftOut ? 0 : fieldBytes(this.#scopeBody)) - (end - start);
  }

  /** All scopes of the resource have been told of. */
  endResource(envelope: Envelope, r: number): void {
    const kept = this.kept - this.#keptBefore;
    const changed = this.changed - this.#changedBefore;
    this.#changedBefore = this.changed;
    this.#keptBefore = this.kept;
    if (kept > 0 && (changed > 0 || kept < envelope.items[r]!)) {
      return this.#addResource(PART, this.#resourceBody, kept, this.#scopeEnd);
    }
    this.kept -= kept;
    this.#editEnd = this.#resourceEdits;
    this.#scopeEnd = this.#resourceScopes;
    if (kept > 0) this.takeWhole(envelope, r);
    else this.dropWhole();
  }

  /** Length of the request that is left. */
  lengthOf({ extras }: Envelope): number {
    let length = this.#bytes;
    for (let i = 0; i < extras.length; i += 2) length += extras[i + 1]! - extras[i]!;
    return length;
  }

  /**
   * Nothing is left out or put elsewhere, as what stands beside resources is, and all that is
   * longer afterwards was measured: see `write`. Lengths of a resource and of a span that are
   * written in fewer bytes save 4 and 3, and marks have 9 or more.
   */
  onlyGrows({ extras }: Envelope): boolean {
    return this.kept === this.#items && extras.length === 0 && !this.#hasParts;
  }

  /**
   * Writes the request that is left into bytes of its length; `kernel` has measured some of it, and
   * works in the memory in which both are. `bytes`: where the request is; if it only grows, that
   * may be the end of `out`: nothing is written over before it is read.
   */
  write(envelope: Envelope, bytes: Uint8Array, out: Uint8Array, kernel?: SpanKernel): void {
    if (kernel !== undefined && !this.#hasParts) {
      return this.writeByKernel(envelope, bytes.byteOffset, out.byteOffset, kernel);
    }
    const { extras } = envelope;
    const writer = new RangeWriter(bytes, out, 0);
    this.#editEnd = this.#scopeEnd = 0;
    for (let r = 0; r < envelope.resources; r++) {
      if (this.#resourceFate[r] === WHOLE) writer.copy(envelope.outerStart[r]!, envelope.end[r]!);
      else if (this.#resourceFate[r] === PART) this.#writePart(writer, envelope, r);
      else if (this.#resourceFate[r] === MEASURED && kernel !== undefined) {
        const from = bytes.byteOffset;
        const to = out.byteOffset + writer.place();
        const after = this.#measured.writeNext(kernel, from + envelope.bodyStart[r]!, from + envelope.end[r]!, to);
        writer.goOn(after - out.byteOffset);
      }
    }
    for (let i = 0; i < extras.length; i += 2) writer.copy(extras[i]!, extras[i + 1]!);
    writer.flush();
  }

  /**
   * As `write`, from place `from` of the kernel's memory to place `to`: where nothing stays in part
   * that the kernel has not measured. It needs no views of the memory, of 100 ns each.
   */
  writeByKernel(envelope: Envelope, from: number, to: number, kernel: SpanKernel): void {
    const { resources, outerStart, bodyStart, end, extras } = envelope;
    let at = to;
    for (let r = 0; r < resources; r++) {
      const fate = this.#resourceFate[r]!;
      if (fate === WHOLE) at = kernel.move(from + outerStart[r]!, from + end[r]!, at);
      else if (fate === MEASURED) at = this.#measured.writeNext(kernel, from + bodyStart[r]!, from + end[r]!, at);
    }
    for (let i = 0; i < extras.length; i += 2) at = kernel.move(from + extras[i]!, from + extras[i + 1]!, at);
  }

  /**
   * Makes the envelope one of `bytes`, what was written of its request, but for `totalScopes`.
   * False: it has to be scanned, because a resource does not begin with what it is, or there is
   * something beside the resources. Measured: 14 ns a span less than a scan.
   */
  renew(envelope: Envelope, bytes: Uint8Array): boolean {
    if (envelope.extras.length > 0) return false;
    const { outerStart, bodyStart, end, resourceStart, resourceEnd, resourceTimes } = envelope;
    for (let r = 0; r < this.#resources; r++) if (!beginsWithResource(envelope, r)) return false;
    let left = 0;
    let at = 0;
    for (let r = 0; r < this.#resources; r++) {
      const fate = this.#resourceFate[r]!;
      if (fate === NOTHING) continue;
      const before = bodyStart[r]!;
      const size = fate === WHOLE ? end[r]! - before : this.#resourceBytes[r]!;
      const start = at + (fate === WHOLE ? before - outerStart[r]! : 1 + varintBytes(size));
      outerStart[left] = at;
      bodyStart[left] = start;
      end[left] = at = start + size;
      resourceStart[left] = resourceStart[r]! - before + start;
      resourceEnd[left] = resourceEnd[r]! - before + start;
      resourceTimes[left] = resourceTimes[r]!;
      envelope.items[left] = envelope.points[left] = this.#resourceKept[r]!;
      left++;
    }
    envelope.bytes = bytes;
    envelope.resources = left;
    envelope.totalItems = envelope.totalPoints = this.kept;
    return true;
  }

  /** Of a list of all resources, one entry each, takes out those of which nothing stays. */
  leave(list: unknown[]): void {
    let left = 0;
    for (let r = 0; r < this.#resources; r++) if (this.#resourceFate[r] !== NOTHING) list[left++] = list[r];
    shortenList(list, left);
  }

  /** Lets go of the request, and of arrays that only it needed as long as they are. */
  release(): void {
    if (this.added.length > 64 * FIRST_ADDED) this.added = allocOwned(FIRST_ADDED);
    if (this.#slack.gives(this.#items, this.#edits.length / EDIT)) this.#resize(FIRST);
  }

  #resize(items: number): void {
    this.#edits = new Int32Array(EDIT * items);
    this.#changes = new Int32Array(CHANGED * items);
  }

  /** One of which a part stays: its message has so many bytes then. */
  #addResource(fate: typeof PART | typeof MEASURED, bytes: number, kept: number, scopes: number): void {
    const r = this.#resources++;
    this.#resourceFate[r] = fate;
    if (fate === PART) this.#hasParts = true;
    this.#resourceBytes[r] = bytes;
    this.#resourceKept[r] = kept;
    this.#resourceScopeEnd[r] = scopes;
    this.#bytes += fieldBytes(bytes);
  }

  #writePart(writer: RangeWriter, envelope: Envelope, r: number): void {
    const scopes = this.#scopes;
    writer.header(RESOURCE_X, this.#resourceBytes[r]!);
    let from = envelope.bodyStart[r]!;
    for (; this.#scopeEnd < this.#resourceScopeEnd[r]!; this.#scopeEnd += SCOPE) {
      const at = this.#scopeEnd;
      writer.copy(from, scopes[at + OUTER_START]!);
      from = scopes[at + SCOPE_END]!;
      if (scopes[at + BYTES] !== LEFT_OUT) this.#writeScope(writer, at);
    }
    writer.copy(from, envelope.end[r]!);
  }

  #writeScope(writer: RangeWriter, scope: number): void {
    const scopes = this.#scopes;
    const edits = this.#edits;
    writer.header(SCOPE_X, scopes[scope + BYTES]!);
    let from = scopes[scope + BODY_START]!;
    const after = this.#editEnd + scopes[scope + EDITS]!;
    for (let at = this.#editEnd; at < after; at += EDIT) {
      writer.copy(from, edits[at + START]!);
      from = edits[at + END]!;
      const body = edits[at + BODY]!;
      if (body !== LEFT_OUT) this.#writeItem(writer, body, from, edits[at + CHANGE]!);
    }
    this.#editEnd = after;
    writer.copy(from, scopes[scope + SCOPE_END]!);
  }

  /** The item whose message is [body, end), with a change. */
  #writeItem(writer: RangeWriter, body: number, end: number, change: number): void {
    const changes = this.#changes;
    const cutStart = changes[change + CUT_START]!;
    const cut = changes[change + CUT_END]! - cutStart;
    const addStart = changes[change + ADD_START]!;
    const addEnd = changes[change + ADD_END]!;
    writer.header(ITEM, end - body - cut + addEnd - addStart);
    if (cut === 0) writer.copy(body, end);
    else {
      writer.copy(body, cutStart);
      writer.copy(cutStart + cut, end);
    }
    writer.insert(this.added, addStart, addEnd);
  }
}
