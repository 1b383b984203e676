import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { SignalNews } from "./target-news.ts";

const LONGEST_SAID = 200;

/** What a worker heard of the signals that a target takes, until it is told. */
export class SignalCounts {
  #took = 0;
  #refused = 0;
  #asked = 0;
  #any = false;
  readonly #times = SIGNALS.map(() => 0);
  readonly #said = SIGNALS.map(() => "");

  took(signal: Signal): void {
    const { bit, index } = SIGNAL_FACTS[signal];
    this.#took |= bit;
    this.#refused &= ~bit;
    this.#asked &= ~bit;
    this.#times[index] = 0;
  }

  /** `refused`: it is out for this signal by that; `asked`: again, for it was asked. */
  elsewhere(signal: Signal, said: string, how: "once" | "refused" | "asked"): void {
    const { bit, index } = SIGNAL_FACTS[signal];
    this.#any = true;
    this.#times[index]! += 1;
    this.#said[index] = said.slice(0, LONGEST_SAID);
    if (how === "refused") this.#refused |= bit;
    if (how === "asked") this.#asked |= bit;
  }

  /** Nothing is left of it; undefined when there is nothing. */
  take(): SignalNews | undefined {
    if (this.#took === 0 && !this.#any) return undefined;
    const away = SIGNALS.flatMap((_, index) => {
      const times = this.#times[index]!;
      return times === 0 ? [] : [{ index, times, said: this.#said[index]! }];
    });
    const news: SignalNews = {
      ...(this.#took !== 0 && { took: this.#took }),
      ...(away.length > 0 && { away }),
      ...(this.#refused !== 0 && { refused: this.#refused }),
      ...(this.#asked !== 0 && { asked: this.#asked }),
    };
    this.#took = this.#refused = this.#asked = 0;
    this.#any = false;
    this.#times.fill(0);
    return news;
  }
}
