import assert from "node:assert/strict";
import { ACCEPTED, type Rig } from "../scenario/ledger-rig.ts";
import { namesOf } from "../support/items.ts";
import { spans, type TestSpan } from "./channel-rig.ts";

/** A span of each of these traces, named by its number. */
export function traces(from: number, to: number): TestSpan[] {
  return Array.from({ length: to - from }, (_, i) => ({ name: `${from + i} `, trace: from + i }));
}

/** Where each of these traces goes when all come in one request, and is taken. */
export function ownersOf(rig: Rig, count: number): Map<string, string> {
  const from = rig.calls.length;
  rig.handle("traces", spans(traces(0, count)));
  const found = new Map<string, string>();
  for (let i = from; i < rig.calls.length; i++) {
    const { target, batch } = rig.calls[i]!;
    for (const name of namesOf(batch.signal, Buffer.concat(batch.pieces))) found.set(name.trim(), target);
    rig.answer(i, ACCEPTED);
  }
  assert.equal(found.size, count);
  return found;
}
