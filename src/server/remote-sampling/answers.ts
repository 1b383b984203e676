import type { SourceAnswer, SourceStrategies } from "../../control/sampling/source-strategies.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

export type SamplingListenerName = "sampling_http" | "sampling_grpc";

/** What a request of a source came to. A closed list: label of a metric. */
type AnswerOutcome = "told" | "not_told" | "invalid";

/** What both listeners answer from, and where they count. */
export class Answers {
  readonly #strategies: SourceStrategies;
  readonly #metrics: Pick<Metrics, "remoteSamplingRequests">;

  constructor(strategies: SourceStrategies, metrics: Pick<Metrics, "remoteSamplingRequests">) {
    this.#strategies = strategies;
    this.#metrics = metrics;
  }

  of(service: string, listener: SamplingListenerName): SourceAnswer {
    const answer = this.#strategies.of(service);
    this.#count(listener, answer.ok ? "told" : "not_told");
    return answer;
  }

  /** A request that is none of the protocol. */
  invalid(listener: SamplingListenerName): void {
    this.#count(listener, "invalid");
  }

  #count(listener: SamplingListenerName, outcome: AnswerOutcome): void {
    this.#metrics.remoteSamplingRequests.with(listener, outcome).add(1);
  }
}
