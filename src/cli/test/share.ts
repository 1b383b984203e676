import { createHash } from "node:crypto";
import type { DryRun } from "../../server/open-dry-run.ts";
import type { LoadedTest } from "./load.ts";
import type { Failure } from "./run-test.ts";
import type { Expectation } from "./schema.ts";
import { ItemFields } from "../../otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../../otlp/items.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { Signal } from "../../otlp/signal.ts";

type MeasuredShare = NonNullable<Expectation["share"]>;

/**
 * Sends the test's items, each time with other trace ids, through the pipeline, and counts. The
 * same ids on every run.
 */
export function measureShare(
  dryRun: DryRun,
  { input, region, headers }: LoadedTest,
  share: MeasuredShare,
): { readonly failure: Failure | undefined; readonly rules: readonly string[] } {
  const { signal, bytes } = input;
  const at = region ?? dryRun.plan.nodeRegion;
  const total = dryRun.explain({ ...input, region, headers, maxItems: 1 }).total_items;
  const requests = Math.max(1, Math.ceil(share.over / Math.max(1, total)));
  for (let i = 0; i < requests; i++)
    dryRun.send(
      signal,
      withTraceIds(signal, bytes, (k) => traceId(`${i} ${k}`)),
      at,
      headers,
    );
  dryRun.finish();
  const { byRule, byTarget } = dryRun;
  const got = countOf(share.of, byRule, byTarget) / (requests * Math.max(1, total));
  const rules = [...byRule].filter(([, items]) => items > 0).map(([rule]) => rule);
  const { at_least: least = 0, at_most: most = 1 } = share;
  if (got >= least && got <= most) return { failure: undefined, rules };
  const bounds = [
    share.at_least === undefined ? [] : `at least ${least}`,
    share.at_most === undefined ? [] : `at most ${most}`,
  ];
  const expected = bounds.flat().join(" and ");
  const why = [`by target: ${listed(byTarget)}`, `by rule: ${listed(byRule)}`];
  return { failure: { what: `share of ${share.of}`, expected, actual: got.toFixed(4), why }, rules };
}

function countOf(of: string, byRule: ReadonlyMap<string, number>, byTarget: ReadonlyMap<string, number>): number {
  if (of.startsWith("rule:")) return byRule.get(of.slice(5)) ?? 0;
  if (of.startsWith("target:")) return byTarget.get(of.slice(7)) ?? 0;
  return byRule.get(of) ?? byTarget.get(of) ?? 0;
}

function traceId(of: string): Uint8Array {
  return createHash("sha256").update(of).digest().subarray(0, 16);
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, items]) => `${name} ${items}`).join(", ") || "nothing";
}

/**
 * A copy of a well-formed request in which item `i` belongs to the trace of `idOf(i)`, 16 bytes.
 * Items that have no trace id of 16 bytes stay as they are, and so do metrics.
 */
function withTraceIds(signal: Signal, bytes: Uint8Array, idOf: (item: number) => Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  if (signal === "metrics") return copy;
  const envelope = new Envelope();
  if (!scanEnvelope(signal, copy, envelope)) return copy;
  const index = new ItemIndex();
  const fields = new ItemFields();
  let item = 0;
  for (let r = 0; r < envelope.resources; r++) {
    indexItems(copy, envelope.bodyStart[r]!, envelope.end[r]!, index);
    for (let i = 0; i < index.items; i++, item++) {
      const read = fields.read(signal, copy, index.bodyStart[i]!, index.end[i]!, undefined);
      if (read && fields.traceEnd - fields.traceStart === TRACE_ID_BYTES) copy.set(idOf(item), fields.traceStart);
    }
  }
  return copy;
}

const TRACE_ID_BYTES = 16;
