import { Rig } from "../scenario/ledger-rig.ts";
import { namesOf } from "../support/items.ts";
import { encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import type { Signal } from "../../src/otlp/signal.ts";

/** A span of a test: its name, its trace by a number, the service and region of its resource. */
export interface TestSpan {
  readonly name: string;
  readonly trace?: number;
  readonly service?: string;
  readonly region?: string;
  readonly tier?: string;
}

/** Sixteen bytes that differ in more than one of them. */
export function traceId(trace: number): Buffer {
  const id = Buffer.alloc(16, 0x5a);
  id.writeUInt32BE((trace * 2_654_435_761) >>> 0, 0);
  id.writeUInt32BE(trace, 12);
  return id;
}

/** A request in which neighbours with the same service and region share a resource. */
export function spans(all: readonly TestSpan[]): Buffer {
  const resources: { key: string; plain: { resource: Plain; scopeSpans: { spans: Plain[] }[] } }[] = [];
  for (const { name, trace = 1, service = "s", region, tier } of all) {
    const key = `${service} ${region}`;
    if (resources.at(-1)?.key !== key) {
      const attributes = [pair("service.name", service), ...(region === undefined ? [] : [pair("region", region)])];
      resources.push({ key, plain: { resource: { attributes }, scopeSpans: [{ spans: [] }] } });
    }
    const attributes = tier === undefined ? [] : [pair("user.tier", tier)];
    resources.at(-1)!.plain.scopeSpans[0]!.spans.push({ name, traceId: traceId(trace), attributes });
  }
  return Buffer.from(encodeRequest("traces", { resourceSpans: resources.map(({ plain }) => plain) }));
}

function pair(key: string, value: string): Plain {
  return { key, value: { stringValue: value } };
}

/** What stands in the calls so far, as `target:names`; sorted inside a call. */
export function sent(rig: Rig, from = 0): string {
  return rig.calls
    .slice(from)
    .map(({ target, batch }) => `${target}:${names(batch.signal, batch.pieces).join("")}`)
    .join(" ");
}

/** Which target each name was sent to, by all calls so far. */
export function targetsByName(rig: Rig): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { target, batch } of rig.calls) {
    for (const name of names(batch.signal, batch.pieces)) {
      found.set(name, (found.get(name) ?? new Set()).add(target));
    }
  }
  return found;
}

function names(signal: Signal, pieces: readonly Uint8Array[]): string[] {
  return namesOf(signal, Buffer.concat(pieces));
}

/** Takes targets out at once, or back in, as an operator would. */
export function setTargets(rig: Rig, state: "ready" | "maintenance", ...ids: readonly string[]): void {
  for (const id of ids) rig.pools.targets.get(id)!.operate({ state, untilMs: undefined, note: "" });
  rig.settle();
}

/** Items that other pools took over, as `pool>by when:items`. */
export function failovers(rig: Rig): string {
  const all = [...rig.env.metrics.poolFailover.series.values()];
  return all
    .map(({ labels: [pool, by, when], series }) => `${pool}>${by} ${when}:${series.value}`)
    .toSorted()
    .join(" ");
}
