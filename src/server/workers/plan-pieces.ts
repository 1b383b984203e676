import { piecesOf } from "../../core/text-pieces.ts";
import type { NumberedPlan, Question, ToWorker } from "./messages.ts";

type Asking = Extract<ToWorker, { readonly kind: "ask" }>;

/**
 * A question with a long plan as several messages, of which the last one asks: what is sent as one
 * text takes three times its length outside of the heap for a moment, and the C library keeps that
 * for the process from then on.
 */
export function inPieces(asking: Asking): ToWorker[] {
  const { question } = asking;
  const plan = planOf(question);
  if (plan === undefined) return [asking];
  const pieces = piecesOf(plan.text);
  const last = pieces.pop() ?? "";
  return [
    ...pieces.map((text): ToWorker => ({ kind: "piece", text })),
    { ...asking, question: withPlan(question, { ...plan, text: last }) },
  ];
}

/** The worker's side of it: messages keep their order, and nothing comes in between. */
export class PlanPieces {
  #text = "";

  add(text: string): void {
    this.#text += text;
  }

  /** The question as it was before it was sent. */
  join(question: Question): Question {
    const before = this.#text;
    this.#text = "";
    const plan = before === "" ? undefined : planOf(question);
    return plan === undefined ? question : withPlan(question, { ...plan, text: before + plan.text });
  }
}

function planOf(question: Question): NumberedPlan | undefined {
  if (question.name === "start") return question.args.plan;
  return question.name === "prepare" ? question.args : undefined;
}

function withPlan(question: Question, plan: NumberedPlan): Question {
  if (question.name === "start") return { name: "start", args: { ...question.args, plan } };
  return { name: "prepare", args: plan };
}
