import type { Counter, Metrics } from "../../telemetry/metrics.ts";

/**
 * Counts the sends of one target by how they ended. Nearly all end as the one before: its series
 * is kept at hand, instead of looked up by a text that is put together for each.
 */
export class SendCounts {
  readonly #sends: Metrics["exportSends"];
  #label = "";
  #series: Counter | undefined;

  constructor({ exportSends }: Pick<Metrics, "exportSends">) {
    this.#sends = exportSends;
  }

  add(target: string, label: string): void {
    if (this.#series === undefined || this.#label !== label) {
      this.#label = label;
      this.#series = this.#sends.with(target, label);
    }
    this.#series.add(1);
  }
}
