import { allocOwned } from "../core/bytes.ts";
import type { ItemIndex } from "./items.ts";
import { RangeWriter } from "./range-writer.ts";
import { dataPointsOf, type Envelope } from "./scan.ts";
import type { Signal } from "./signal.ts";
import { varintBytes, writeVarint } from "./wire.ts";

/**
 * Cutting requests at item boundaries. Everything that is not an item, or a scope of items, goes
 * along with every part (the resource, schema urls, unknown fields, scopes without items); only the
 * lengths around what was cut are written anew.
 */

const RESOURCE_X = 0x0a;
const SCOPE_X = 0x12;

/**
 * The resource_x field for resource `r` with only the selected items (indexes into `index`, rising,
 * at least one). Scopes of which no item is selected are left out. Owned: a new buffer of exactly
 * the size needed.
 */
export function sliceResource(
  envelope: Envelope,
  r: number,
  index: ItemIndex,
  selected: Int32Array,
  count: number,
): Uint8Array {
  const bodyBytes = measure(envelope, r, index, selected, count);
  const out = allocOwned(1 + varintBytes(bodyBytes) + bodyBytes);
  out[0] = RESOURCE_X;
  const writer = new RangeWriter(envelope.bytes, out, writeVarint(out, 1, bodyBytes));
  let next = 0;
  let from = envelope.bodyStart[r]!;
  for (let scope = 0; scope < index.scopes; scope++) {
    writer.copy(from, index.scopeOuterStart[scope]!);
    from = index.scopeEnd[scope]!;
    const first = next;
    while (next < count && selected[next]! < index.scopeFirst[scope + 1]!) next++;
    if (next > first || isEmpty(index, scope)) writeScope(writer, index, scope, selected, first, next);
  }
  writer.copy(from, envelope.end[r]!);
  writer.flush();
  return out;
}

/** Sizes of the scopes being written, filled by `measure` and read by `writeScope`. */
let scopeBytes = new Int32Array(64);

function measure(envelope: Envelope, r: number, index: ItemIndex, selected: Int32Array, count: number): number {
  if (index.scopes > scopeBytes.length) scopeBytes = new Int32Array(index.scopes * 2);
  let bytes = envelope.end[r]! - envelope.bodyStart[r]!;
  let next = 0;
  for (let scope = 0; scope < index.scopes; scope++) {
    bytes -= index.scopeEnd[scope]! - index.scopeOuterStart[scope]!;
    const first = index.scopeFirst[scope]!;
    const after = index.scopeFirst[scope + 1]!;
    const before = next;
    let kept = 0;
    for (; next < count && selected[next]! < after; next++) kept += itemBytes(index, selected[next]!);
    if (next === before && !isEmpty(index, scope)) continue;
    let inner = index.scopeEnd[scope]! - index.scopeBodyStart[scope]!;
    for (let i = first; i < after; i++) inner -= itemBytes(index, i);
    inner += kept;
    scopeBytes[scope] = inner;
    bytes += 1 + varintBytes(inner) + inner;
  }
  return bytes;
}

/**
 * A scope that never had items: it goes along, so that some target checks every byte that was sent.
 */
function isEmpty(index: ItemIndex, scope: number): boolean {
  return index.scopeFirst[scope] === index.scopeFirst[scope + 1];
}

function itemBytes(index: ItemIndex, i: number): number {
  return index.end[i]! - index.outerStart[i]!;
}

function writeScope(
  writer: RangeWriter,
  index: ItemIndex,
  scope: number,
  selected: Int32Array,
  first: number,
  after: number,
): void {
  writer.header(SCOPE_X, scopeBytes[scope]!);
  let from = index.scopeBodyStart[scope]!;
  let next = first;
  for (let i = index.scopeFirst[scope]!; i < index.scopeFirst[scope + 1]!; i++) {
    if (next < after && selected[next] === i) {
      next++;
    } else {
      writer.copy(from, index.outerStart[i]!);
      from = index.end[i]!;
    }
  }
  writer.copy(from, index.scopeEnd[scope]!);
}

/** What partial_success counts in item `i`: its data points for a metric, else 1. */
export function pointsOf(signal: Signal, bytes: Uint8Array, index: ItemIndex, i: number): number {
  return signal === "metrics" ? dataPointsOf(bytes, index.bodyStart[i]!, index.end[i]!) : 1;
}
