import { viewBuffer } from "../../core/bytes.ts";
import type { ItemFields } from "../../otlp/item-fields.ts";
import { joinResources, viewResource } from "../../otlp/resource.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import { sliceResource } from "../../otlp/slice.ts";
import type {
  ConditionExplanation,
  ExplainRequest,
  Explanation,
  ItemExplanation,
  ItemSummary,
  Refused,
  RuleExplanation,
} from "../../plan/explanation.ts";
import type { ResourceFacts } from "../../plan/route-plan.ts";
import { passThroughText } from "../../plan/pass-through.ts";
import { provenHeaders } from "../../plan/link-proof.ts";
import { headersOf, readSenderHeaders } from "../../plan/sender-headers.ts";
import { show, traceIdOf } from "../../plan/seen-by.ts";
import { regionOf } from "../../plan/specialise.ts";
import { NO_GUARD } from "../admit/request-guard.ts";
import { checkAdmissible } from "../admissible.ts";
import { ItemReader } from "../scan/item-reader.ts";
import { type ExplainParts, type ExplainWalk, openWalk, placedFor } from "./walk.ts";
import type { ConditionAnswer, RuleAnswer } from "../../plan/explain-item.ts";
import { explainPlace, isOpen } from "./explain-place.ts";

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
  const passed = passThroughText(signal, plan);
  const head = { version: plan.version, digest: plan.digest, signal, ...(passed && { passed_through: passed }) };
  if (!scanEnvelope(signal, bytes, envelope)) {
    return { ...head, refusal: { reason: "bad_data", message: envelope.problem }, total_items: 0, items: [] };
  }
  const read = readSenderHeaders(headersOf(request.headers), plan.headers.read);
  if (!read.ok) {
    const refusal = { reason: "bad_data", message: read.message } as const;
    return { ...head, refusal, total_items: envelope.totalItems, items: [] };
  }
  const headers = provenHeaders(read.headers, plan.headers.linkKeys);
  const walk = openWalk(parts, signal, { region, headers });
  const refusal = envelope.totalItems === 0 ? null : refusalOf(walk, envelope);
  const limits = envelope.totalItems === 0 ? undefined : parts.limiter?.preview(envelope, headers);
  const items = yield* explainItems(walk, envelope, request.maxItems);
  const total = { total_items: envelope.totalItems, items };
  return { ...head, refusal, ...(limits !== undefined && { limits }), ...total };
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
      const sampling = walk.sampling?.explain(envelope, r, i, resource);
      all.push(sampling === undefined ? { item, ...told } : { item, ...told, sampling });
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

/** Of rules that do not match, so many are told for one item: there may be ten thousand. */
const MAX_MISMATCHES = 100;

/**
 * Routes a request of one item, and tells what each rule made of it. `answers` are those of its
 * item.
 */
function explainDrafts(
  walk: ExplainWalk,
  alone: Uint8Array,
  answers: readonly RuleAnswer[],
): Omit<ItemExplanation, "item"> {
  const { router, routePools: pools, noRoute } = walk;
  const envelope = new Envelope();
  if (!scanEnvelope(walk.signal, alone, envelope)) throw new TypeError("a slice of a well-formed request is malformed");
  router.divide(envelope, walk.region, walk.headers);
  const places: number[] = [];
  const { obstacle } = checkAdmissible({ router, pools, noRoute }, placedFor(walk, envelope), places);
  const drafts = router.drafts.map((draft, d) => {
    const rule = draft.rules[0]!;
    const pool = places[d] ?? draft.pool;
    return {
      rule,
      copies: router.plan.rules[rule]!.mode === "copy",
      at: { pool, from: draft.pool, channel: draft.channel },
    };
  });
  const refusal = obstacle === undefined ? null : { reason: obstacle.reason, message: obstacle.message };
  const told = drafts.map(({ rule, copies, at }) => ({
    rule,
    copies,
    place: explainPlace(walk, answers[rule]!, at, refusal),
  }));
  const taker = told.find(({ copies }) => !copies);
  const rules = tellRules(walk, answers, taker?.rule, new Set(told.map(({ rule }) => rule)));
  const unmatched = router.unmatchedPoints > 0 || taker === undefined ? router.plan.unmatched : null;
  return {
    ...rules,
    copies: told.filter(({ copies }) => copies).map(({ place }) => place),
    place: taker?.place ?? null,
    unmatched,
  };
}

function tellRules(
  walk: ExplainWalk,
  answers: readonly RuleAnswer[],
  taker: number | undefined,
  used: ReadonlySet<number>,
): Pick<ItemExplanation, "rules" | "rules_left_out"> {
  const takerIsOpen = taker !== undefined && isOpen(walk, answers[taker]!);
  const rules: RuleExplanation[] = [];
  let mismatches = 0;
  for (const [i, answer] of answers.entries()) {
    if (!answer.condition.holds && ++mismatches > MAX_MISMATCHES) continue;
    const asked = taker === undefined || i <= taker || !takerIsOpen;
    const outcome = outcomeOf(answer, { taken: i === taker, used: used.has(i), asked });
    const { id, mode, pool } = answer.rule;
    const why = whyOf(outcome, walk, answer, taker === undefined ? "" : answers[taker]!.rule.id);
    rules.push({ rule: id, mode, pool, outcome, why, condition: tellCondition(answer.condition) });
  }
  const others = walk.router.plan.others.slice(0, MAX_MISMATCHES).map((id) => otherRule(id, walk.signal));
  const leftOut = Math.max(0, mismatches - MAX_MISMATCHES) + walk.router.plan.others.length - others.length;
  return { rules: [...rules, ...others], rules_left_out: leftOut };
}

function outcomeOf(
  { rule, condition }: RuleAnswer,
  { taken, used, asked }: { readonly taken: boolean; readonly used: boolean; readonly asked: boolean },
): RuleExplanation["outcome"] {
  if (taken) return "takes";
  if (!condition.holds) return "no_match";
  if (!asked) return "not_asked";
  return rule.mode === "copy" && used ? "copies" : "passed_over";
}

function whyOf(outcome: RuleExplanation["outcome"], walk: ExplainWalk, answer: RuleAnswer, taker: string): string {
  switch (outcome) {
    case "takes":
      return isOpen(walk, answer)
        ? "it matches, and comes first"
        : "it matches; no target is usable, and no other rule that matches has one";
    case "copies":
      return "it matches; rules after it are asked all the same";
    case "passed_over":
      return "it matches, but no target of its pool is usable, so the next rule is asked";
    case "not_asked":
      return `it matches, but ${taker} comes before it`;
    case "no_match":
      return "a condition does not hold";
    case "other_signal":
      return "";
  }
}

function otherRule(rule: string, signal: string): RuleExplanation {
  const why = `it can match no ${signal}`;
  return { rule, mode: "first", pool: "", outcome: "other_signal", why, condition: null };
}

function tellCondition({ holds, text, seen, parts }: ConditionAnswer): ConditionExplanation {
  return { holds, text, seen: seen ?? null, parts: parts.map(tellCondition) };
}
