import { viewBuffer } from "../../core/bytes.ts";
import { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { Signal } from "../../otlp/signal.ts";
import { createItemExplainer, type ItemExplainer } from "../../plan/explain-item.ts";
import type { SamplingExplanation } from "../../plan/explanation.ts";
import type { Plan } from "../../plan/plan.ts";
import type { ResourceFacts, RoutePlan } from "../../plan/route-plan.ts";
import type { SampledSignal } from "../../plan/sampling-plan.ts";
import type { ItemDecider } from "../sample/item-decider.ts";
import { LogDecider } from "../sample/log-decider.ts";
import { SpanDecider } from "../sample/span-decider.ts";
import { type ClassThreshold, classThreshold } from "../sample/threshold-mark.ts";
import { NO_RANDOMNESS } from "../sample/verdict.ts";
import { ItemReader } from "../scan/item-reader.ts";

/** What is done with a class now; undefined: nobody says, and the plan does. */
export type ThresholdOf = (signal: SampledSignal, name: string) => ClassThreshold | undefined;

const DIGITS = 14;
const REFUSED = "the node is degraded and lets nothing of its class in";

/** Tells what sampling makes of items, by the tests and the reading that it samples with. */
export class SamplingExplainer {
  readonly #signal: SampledSignal;
  readonly #plan: NonNullable<Plan["sampling"]>;
  readonly #thresholdOf: ThresholdOf;
  readonly #explainer: ItemExplainer;
  readonly #items: ItemReader;
  readonly #decider: ItemDecider;

  constructor(signal: SampledSignal, route: RoutePlan, plan: NonNullable<Plan["sampling"]>, thresholdOf: ThresholdOf) {
    [this.#signal, this.#plan, this.#thresholdOf] = [signal, plan, thresholdOf];
    this.#explainer = createItemExplainer(route);
    this.#items = new ItemReader(signal);
    const { randomness, logRandomness } = plan;
    const out = new SampledItems();
    this.#decider =
      signal === "traces" ? new SpanDecider(randomness, out) : new LogDecider(randomness, logRandomness, out);
  }

  /** undefined: it is malformed, or no class takes it. */
  explain(envelope: Envelope, r: number, i: number, resource: ResourceFacts): SamplingExplanation | undefined {
    const items = this.#items;
    items.open(envelope, r);
    const { index, fields } = items;
    if (!items.read(i, this.#explainer.keys)) return undefined;
    const taker = this.#explainer.explain(resource, fields).find(({ condition }) => condition.holds);
    if (taker === undefined) return undefined;
    const odd = { noRandomness: 0, inconsistent: 0, unmarked: 0 };
    if (!this.#decider.see(envelope.bytes, index.bodyStart[i]!, index.end[i]!, odd)) return undefined;
    return this.#tell(taker.rule.pool, odd.inconsistent > 0);
  }

  #tell(name: string, isInconsistent: boolean): SamplingExplanation {
    const threshold = this.#thresholdOf(this.#signal, name) ?? this.#settled(name);
    const { arrival, randomness = null } = this.#decider;
    const { probability, reason, refuses } = threshold;
    const digits = viewBuffer(threshold.text, 0, threshold.text.length).toString("latin1");
    const isThin = arrival !== NO_RANDOMNESS && arrival < 1 && arrival <= probability;
    // The threshold that keeps nothing has no digits.
    const reaches = randomness === null || (digits !== "" && randomness >= digits.padEnd(DIGITS, "0"));
    return {
      class: name,
      kept: !refuses && (isThin || reaches),
      why: refuses ? REFUSED : whyOf({ isThin, reaches, hasRandomness: randomness !== null, isInconsistent }),
      probability,
      reason,
      threshold: digits,
      randomness,
      arrival: arrival === NO_RANDOMNESS ? null : arrival,
      dry_run: this.#plan.dryRun,
    };
  }

  #settled(name: string): ClassThreshold {
    const share = this.#plan.state[this.#signal].find((one) => one.class === name);
    return classThreshold(share?.probability ?? 1, share?.reason ?? "priority_based", this.#signal);
  }
}

/** undefined: nothing of the signal is sampled. */
export function openSamplingExplainer(
  signal: Signal,
  { sampling }: Plan,
  thresholdOf: ThresholdOf = () => undefined,
): SamplingExplainer | undefined {
  if (signal === "metrics" || sampling === undefined) return undefined;
  const route = sampling.routes[signal];
  return route && new SamplingExplainer(signal, route, sampling, thresholdOf);
}

interface Decided {
  readonly isThin: boolean;
  readonly reaches: boolean;
  readonly hasRandomness: boolean;
  readonly isInconsistent: boolean;
}

function whyOf({ isThin, reaches, hasRandomness, isInconsistent }: Decided): string {
  if (!hasRandomness) return "it has neither a trace id nor a randomness of its own, so there is nothing to decide by";
  if (isThin) return "it came thinner than its class is kept";
  const came = isInconsistent ? "; the threshold that it came with cannot be true" : "";
  return reaches ? `its randomness reaches the threshold${came}` : `its randomness is below the threshold${came}`;
}
