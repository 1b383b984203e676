import type { Signal } from "../../otlp/signal.ts";
import type { RulePlan } from "../../plan/route-plan.ts";
import type { Env } from "../../telemetry/env.ts";
import type { LedgerEntry } from "../../telemetry/ledger.ts";

/** Made when they are first asked for: of ten thousand rules most may never match. */
export class RouteEntries {
  readonly #rules: readonly RulePlan[];
  readonly #signal: Signal;
  readonly #ledger: Env["ledger"];
  #made: (RouteEntry | undefined)[] | undefined;

  constructor(rules: readonly RulePlan[], signal: Signal, ledger: Env["ledger"]) {
    this.#rules = rules;
    this.#signal = signal;
    this.#ledger = ledger;
  }

  /** By the rule's index in the plan. */
  at(rule: number): RouteEntry {
    const made = (this.#made ??= this.#rules.map(() => undefined));
    return (made[rule] ??= new RouteEntry(this.#rules[rule]!, this.#signal, this.#ledger));
  }
}

/**
 * One rule as a request meets it, and where its items are counted: also those that another pool
 * took over. Enters the ledger when it is first taken.
 */
export class RouteEntry {
  readonly rule: RulePlan;
  readonly #signal: Signal;
  readonly #ledger: Env["ledger"];
  #entry: LedgerEntry | undefined;

  constructor(rule: RulePlan, signal: Signal, ledger: Env["ledger"]) {
    this.rule = rule;
    this.#signal = signal;
    this.#ledger = ledger;
  }

  /** Its entry in the ledger, which is opened when it is first asked for. */
  enter(): LedgerEntry {
    this.#entry ??= this.#ledger.entry(this.#signal, this.rule.id, this.rule.pool);
    return this.#entry;
  }
}
