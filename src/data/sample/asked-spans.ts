import { type AskedKernel, type AskedRules, canAsk } from "../../otlp/kernel/asked-kernel.ts";
import type { SpanKernel } from "../../otlp/kernel/span-kernel.ts";
import { NOT_PLAIN } from "../../otlp/kernel/span-threshold.ts";
import type { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { SpanQuestion } from "../../otlp/span-question.ts";
import { questionOf } from "../../plan/question-of.ts";
import type { ProgramStep, ResourceProgram, RoutePlan } from "../../plan/route-plan.ts";
import type { ClassCounts } from "./class-counts.ts";
import { countNoted } from "./noted-randomness.ts";
import type { RandomnessCounts } from "./randomness-counts.ts";
import type { ClassThreshold } from "./threshold-mark.ts";

const NO_CLASS = -1;

/**
 * Resources whose spans are asked of which class they are, where the rules that are left compare
 * whole numbers, and the spans are plain: asked, decided, marked and written by the kernel. What
 * comes out is what ItemFields, SpanDecider and SampledItems make of it, byte for byte.
 */
export class AskedSpans {
  readonly #plan: RoutePlan;
  readonly #out: SampledItems;
  readonly #counts: readonly ClassCounts[];
  readonly #randomness: Pick<RandomnessCounts, "add"> | undefined;
  /** By the first step; undefined: they ask for more. */
  readonly #rules = new WeakMap<ProgramStep, { readonly asked: AskedRules | undefined }>();
  #first: ProgramStep | undefined;
  #asked: AskedRules | undefined;
  #thresholds: readonly ClassThreshold[] = [];
  #refuses = false;

  constructor(
    plan: RoutePlan,
    out: SampledItems,
    counts: readonly ClassCounts[],
    randomness: Pick<RandomnessCounts, "add"> | undefined,
  ) {
    this.#plan = plan;
    this.#out = out;
    this.#counts = counts;
    this.#randomness = randomness;
  }

  /** What is done with each class from now on. */
  obey(thresholds: readonly ClassThreshold[]): void {
    this.#thresholds = thresholds;
    this.#refuses = thresholds.some(({ refuses }) => refuses);
  }

  /** False: nothing was decided. */
  take(kernel: SpanKernel, envelope: Envelope, r: number, program: ResourceProgram): boolean {
    const { first } = program;
    if (first === undefined || this.#refuses) return false;
    if (first !== this.#first) this.#open(first, program);
    const rules = this.#asked;
    if (rules === undefined) return false;
    const { asked, listed } = kernel;
    const { verdicts } = asked;
    asked.load(rules, this.#thresholds, this.#counts[0]!.arrivals !== undefined);
    const { byteOffset } = envelope.bytes;
    const bytes = asked.measure(byteOffset + envelope.bodyStart[r]!, byteOffset + envelope.end[r]!, listed, verdicts);
    if (bytes === NOT_PLAIN) return false;
    kernel.listed = asked.listed;
    for (const of of rules.classes) count(asked, of, this.#counts[of]!);
    if (asked.notes > 0) countNoted(asked, program.service, this.#randomness);
    this.#out.takeAsked(envelope, r, bytes, asked, { listed, verdicts });
    return true;
  }

  #open(first: ProgramStep, { keys }: ResourceProgram): void {
    let known = this.#rules.get(first);
    if (known === undefined) {
      known = { asked: askedRules(this.#plan, first, keys?.size ?? 0) };
      this.#rules.set(first, known);
    }
    this.#first = first;
    this.#asked = known.asked;
  }
}

function count(asked: AskedKernel, of: number, counts: ClassCounts): void {
  const dropped = asked.droppedOf(of);
  const whole = asked.wholeOf(of);
  const marked = asked.markedOf(of);
  const items = dropped + whole + marked;
  if (items === 0) return;
  counts.dropped += dropped;
  counts.marked += marked;
  counts.keepWhole(whole);
  counts.arrivals?.addPlain(items, asked.bytesOf(of), asked.rootsOf(of), whole + marked);
}

/** `keyCount`: of all keys that are read of items; where some are for others, nothing is known. */
function askedRules(plan: RoutePlan, first: ProgramStep, keyCount: number): AskedRules | undefined {
  const steps: { question: SpanQuestion; of: number }[] = [];
  let step: ProgramStep | undefined = first;
  for (; step?.test !== undefined; step = step.next) {
    const question = questionOf(plan.rules[step.rule]!.condition);
    if (question === undefined) return undefined;
    steps.push({ question, of: plan.poolOf[step.rule]! });
  }
  const keys = new Set(steps.flatMap(({ question: { of, key } }) => (of === "attribute" ? [key] : [])));
  const otherwise = step === undefined ? NO_CLASS : plan.poolOf[step.rule]!;
  const classes = new Set([...steps.map(({ of }) => of), otherwise].filter((of) => of !== NO_CLASS));
  const rules = { steps, keys: [...keys], otherwise, classes: [...classes] };
  return keys.size === keyCount && canAsk(rules) ? rules : undefined;
}
