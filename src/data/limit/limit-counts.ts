import { type Signal, SIGNALS } from "../../otlp/signal.ts";
import type { Env } from "../../telemetry/env.ts";
import type { LedgerEntry } from "../../telemetry/ledger.ts";
import type { Counter } from "../../telemetry/metrics.ts";

type LimitKind = "total" | "key";

/** Names of rules and pools have no brackets: these are nobody else's. */
const RULE = "(over the limit)";
const POOLS = { total: "(of everything)", key: "(of a key)" } as const satisfies Record<LimitKind, string>;

/** What limits decide, in metrics and in the ledger. */
export class LimitCounts {
  readonly #env: Pick<Env, "metrics" | "ledger">;
  readonly #letIn: Readonly<Record<Signal, Counter>>;

  constructor(env: Pick<Env, "metrics" | "ledger">) {
    this.#env = env;
    const [traces, metrics, logs] = SIGNALS.map((signal) => env.metrics.limitItems.with(signal, "let_in"));
    this.#letIn = { traces: traces!, metrics: metrics!, logs: logs! };
  }

  letIn(signal: Signal, points: number): void {
    this.#letIn[signal].add(points);
  }

  givenBack(signal: Signal, points: number): void {
    this.#env.metrics.limitItems.with(signal, "given_back").add(points);
  }

  refused(signal: Signal, by: LimitKind, points: number): void {
    this.#env.metrics.limitItems.with(signal, by === "total" ? "over_total" : "over_key").add(points);
    this.#enter(signal, by, points);
  }

  shed(signal: Signal, points: number): void {
    this.#env.metrics.limitItems.with(signal, "shed").add(points);
    this.#enter(signal, "key", points);
  }

  #enter(signal: Signal, by: LimitKind, points: number): void {
    const entry: LedgerEntry = this.#env.ledger.entry(signal, RULE, POOLS[by]);
    entry.received += points;
    entry.shedItems("over_limit", points);
  }
}
