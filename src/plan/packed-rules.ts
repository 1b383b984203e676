import type { Condition } from "../config/condition-type.ts";
import type { RuleSpec } from "./compile-rule.ts";

/** A rule that has its signals and conditions by number. */
interface PackedRule extends Omit<RuleSpec, "signals" | "conditions"> {
  readonly signals: number;
  readonly conditions: readonly number[];
}

/** Some rules, and what they have that no rule before them has; numbers count up from 0. */
export interface PackedRules {
  readonly rules: readonly PackedRule[];
  readonly signals: readonly RuleSpec["signals"][];
  readonly conditions: readonly Condition[];
}

/**
 * Packs rules, in their order, so that what several have is written once, and is one object where
 * they are read: of 10,000 rules that is some MB.
 */
export class RulesPacker {
  readonly #signals = new Map<RuleSpec["signals"], number>();
  readonly #conditions = new Map<Condition, number>();

  pack(rules: readonly RuleSpec[]): PackedRules {
    const signals: RuleSpec["signals"][] = [];
    const conditions: Condition[] = [];
    const packed = rules.map((rule) => ({
      ...rule,
      signals: numberOf(rule.signals, this.#signals, signals),
      conditions: rule.conditions.map((condition) => numberOf(condition, this.#conditions, conditions)),
    }));
    return { rules: packed, signals, conditions };
  }
}

/** The other side of it: the rules of all pieces so far, which come in the order of packing. */
export class RulesReader {
  readonly #signals: RuleSpec["signals"][] = [];
  readonly #conditions: Condition[] = [];
  readonly #rules: RuleSpec[] = [];

  add({ rules, signals, conditions }: PackedRules): void {
    for (const one of signals) this.#signals.push(one);
    for (const one of conditions) this.#conditions.push(one);
    for (const rule of rules) {
      const own = rule.conditions.map((number) => this.#conditions[number]!);
      this.#rules.push({ ...rule, signals: this.#signals[rule.signals]!, conditions: own });
    }
  }

  get rules(): readonly RuleSpec[] {
    return this.#rules;
  }
}

function numberOf<Part>(part: Part, numbers: Map<Part, number>, added: Part[]): number {
  const known = numbers.get(part) ?? numbers.size;
  if (known === numbers.size) {
    numbers.set(part, known);
    added.push(part);
  }
  return known;
}
