import { viewBuffer } from "../../core/bytes.ts";
import type { ItemFields } from "../../otlp/item-fields.ts";
import { joinResources, viewResource } from "../../otlp/resource.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import { sliceResource } from "../../otlp/slice.ts";
import type { Explanation, ExplainRequest, ItemExplanation, ItemSummary, Refused } from "../../plan/explanation.ts";
import type { ResourceFacts } from "../../plan/route-plan.ts";
import { headersOf, readSenderHeaders } from "../../plan/sender-headers.ts";
import { show, traceIdOf } from "../../plan/seen-by.ts";
import { regionOf } from "../../plan/specialise.ts";
import { NO_GUARD } from "../admit/request-guard.ts";
import { checkAdmissible } from "../pipeline.ts";
import { ItemReader } from "../scan/item-reader.ts";
import { explainDrafts } from "./explain-route.ts";
import { type ExplainParts, openWalk, placedFor, type ExplainWalk } from "./walk.ts";

/**
 * What would become of a request now. Each item is routed by itself by the stage route, on the
 * pools as they are, and nothing of it is carried out: no counter moves, no strategy takes a turn.
 */
export function explain(parts: ExplainParts, request: ExplainRequest): Explanation {
  const steps = explainInSteps(parts, request);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same with a rest after each item, in which anything may happen: with thousands of rules one
 * takes some ten milliseconds. The plan stays the one of the beginning; states are those of the
 * item's moment.
 */
export function* explainInSteps(parts: ExplainParts, request: ExplainRequest): Generator<void, Explanation, void> {
  const { plan } = parts;
  const { signal, bytes } = request;
  const region = request.region ?? plan.nodeRegion;
  const envelope = new Envelope();
  const head = { version: plan.version, digest: plan.digest, signal };
  if (!scanEnvelope(signal, bytes, envelope)) {
    return { ...head, refusal: { reason: "bad_data", message: envelope.problem }, total_items: 0, items: [] };
  }
  const read = readSenderHeaders(headersOf(request.headers), plan.headers.read);
  if (!read.ok) {
    const refusal = { reason: "bad_data", message: read.message } as const;
    return { ...head, refusal, total_items: envelope.totalItems, items: [] };
  }
  const walk = openWalk(parts, signal, { region, headers: read.headers });
  const refusal = envelope.totalItems === 0 ? null : refusalOf(walk, envelope);
  const items = yield* explainItems(walk, envelope, request.maxItems);
  return { ...head, refusal, total_items: envelope.totalItems, items };
}

/** Why what was just routed would be refused. */
function refusalOf(walk: ExplainWalk, envelope: Envelope): Refused | null {
  const { router, routePools: pools, noRoute, region, headers } = walk;
  router.divide(envelope, region, headers);
  const { problem, excess, obstacle } = checkAdmissible({ router, pools, noRoute }, placedFor(walk, envelope), []);
  if (problem !== "") return { reason: "bad_data", message: problem };
  if (excess !== undefined) return NO_GUARD.refuse(excess);
  return obstacle === undefined ? null : { reason: obstacle.reason, message: obstacle.message };
}

function* explainItems(
  walk: ExplainWalk,
  envelope: Envelope,
  maxItems: number,
): Generator<void, ItemExplanation[], void> {
  const items = new ItemReader(walk.signal);
  const { index, fields } = items;
  const all: ItemExplanation[] = [];
  let first = 0;
  for (let r = 0; r < envelope.resources && all.length < maxItems; r++) {
    const { bytes } = envelope;
    const { attributes } = viewResource(joinResources(bytes, envelope.bodyStart[r]!, envelope.end[r]!));
    const resource = { attributes, region: regionOf(attributes, walk.region), headers: walk.headers };
    items.open(envelope, r);
    for (let i = 0; i < index.items && all.length < maxItems; i++) {
      if (!items.read(i, walk.explainer.keys)) return all; // the refusal tells where it is malformed
      const alone = sliceResource(envelope, r, index, Int32Array.of(i), 1);
      const item = summaryOf(walk, first + i, resource, fields);
      for (const pool of walk.routePools) pool.renew();
      const told = explainDrafts(walk, alone, walk.explainer.explain(resource, fields));
      all.push({ item, ...told });
      yield;
    }
    first += index.items;
  }
  return all;
}

function summaryOf(
  { signal }: ExplainWalk,
  index: number,
  { attributes, region }: ResourceFacts,
  item: ItemFields,
): ItemSummary {
  const service = attributes.get("service.name");
  return {
    index,
    kind: SIGNAL_FACTS[signal].item,
    name: viewBuffer(item.bytes, item.nameStart, item.nameEnd).toString("utf8"),
    service: typeof service === "string" ? service : service === undefined ? "unknown" : show(service),
    region,
    trace_id: traceIdOf(item),
  };
}
