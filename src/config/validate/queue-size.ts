import { parseSize } from "../../core/units.ts";
import { caution, type Finding } from "../finding.ts";
import { type Outline, type OutlinePool, textOf, valueAt, valuesOf } from "../outline.ts";

const DEFAULT_BYTES = 64 * 1_024 * 1_024;
const LARGEST = ["node", "limits", "max_request_bytes"] as const;
const HINT = "make queue.max_bytes at least node.limits.max_request_bytes";

/** A queue that is smaller than the largest request refuses that request for ever, however often it is sent again. */
export function checkQueueSize(outline: Outline): Finding[] {
  const largest = bytesOf(valueAt(outline.root, ...LARGEST));
  if (largest === undefined) return [];
  const small = outline.pools.filter((pool) => !takes(pool, largest, outline));
  const findings = small.flatMap(({ path, values }) => {
    if (valueAt(values, "queue", "max_bytes") === undefined) return [];
    const message = "is less than node.limits.max_request_bytes: a request of that size would be refused for ever";
    return [caution([...path, "queue", "max_bytes"], message, HINT)];
  });
  const isImplied = outline.pools.length === 0 && outline.targets.length > 0 && largest > DEFAULT_BYTES;
  if (!isImplied && findings.length === small.length) return findings;
  const message = "is more than a pool's queue.max_bytes, 64MiB by default: such a request would be refused for ever";
  return [...findings, caution(LARGEST, message, HINT)];
}

/** Itself, or one of the pools that take over when it is full. */
function takes(pool: OutlinePool, bytes: number, { pools }: Outline): boolean {
  const seen = new Set<OutlinePool>();
  let at: OutlinePool | undefined = pool;
  while (at !== undefined && !seen.has(at)) {
    const room = bytesOf(valueAt(at.values, "queue", "max_bytes"));
    if (room === undefined || room >= bytes) return true;
    seen.add(at);
    const fallback = textOf(valuesOf(at.values)?.["fallback"]);
    at = fallback === undefined ? undefined : pools.find(({ name }) => name === fallback);
  }
  return false;
}

/** Of what is written, or the default; undefined when it cannot be read. */
function bytesOf(value: unknown): number | undefined {
  if (value === undefined) return DEFAULT_BYTES;
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseSize(value) : undefined;
}
