import type { PlanData } from "../../plan/plan-data.ts";
import { type PackedRules, RulesPacker, RulesReader } from "../../plan/packed-rules.ts";
import { type NumberedPlan, type Question, type ToWorker, WORKER_SCHEMA } from "./messages.ts";

type Asking = Extract<ToWorker, { readonly kind: "ask" }>;

/** Rules in one message: some 40 KB of most. */
const RULES_OF_PIECE = 256;

/**
 * A question with a long plan as several messages, of which the last one asks: what is sent as one
 * takes three times its length outside of the heap for a moment, and the C library keeps that for
 * the process from then on.
 */
export function inPieces(asking: Asking): ToWorker[] {
  const { question } = asking;
  const plan = planOf(question);
  if (plan === undefined) return [asking];
  const { rules } = plan.data;
  if (rules.length <= RULES_OF_PIECE) return [asking];
  const packer = new RulesPacker();
  const pieces: ToWorker[] = [];
  for (let from = 0; from < rules.length; from += RULES_OF_PIECE)
    pieces.push({ kind: "rules", packed: packer.pack(rules.slice(from, from + RULES_OF_PIECE)) });
  return [...pieces, { ...asking, question: withPlan(question, withRules(plan, [])) }];
}

/** The worker's side of it: messages keep their order, and nothing comes in between. */
export class PlanPieces {
  #reader: RulesReader | undefined;

  add(packed: PackedRules): void {
    this.#reader ??= new RulesReader();
    this.#reader.add(packed);
  }

  /** The question as it was before it was sent. */
  join(question: Question): Question {
    const reader = this.#reader;
    this.#reader = undefined;
    const plan = planOf(question);
    if (plan === undefined || reader === undefined) return question;
    return withPlan(question, withRules(plan, reader.rules));
  }
}

/** What is of another version is left to who refuses it. */
function planOf(question: Question): NumberedPlan | undefined {
  if (question.name === "start") return question.args.schema === WORKER_SCHEMA ? question.args.plan : undefined;
  return question.name === "prepare" ? question.args : undefined;
}

function withPlan(question: Question, plan: NumberedPlan): Question {
  if (question.name === "start") return { name: "start", args: { ...question.args, plan } };
  return { name: "prepare", args: plan };
}

function withRules({ number, data }: NumberedPlan, rules: PlanData["rules"]): NumberedPlan {
  return { number, data: { ...data, rules } };
}
