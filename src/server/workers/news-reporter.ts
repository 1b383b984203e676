import type { Cancel, Clock } from "../../core/clock.ts";
import type { HealthReporter, NewsSource } from "../../data/health/target-news.ts";
import type { FromWorker } from "./messages.ts";

/** Between two tellings of what can wait. */
const NEWS_MS = 50;

/** Tells the main process what a worker's calls tell of targets: several together. */
export class NewsReporter implements HealthReporter {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  readonly #version: () => number;
  #sources: NewsSource[] = [];
  #seq = 0;
  #timer: Cancel | undefined;

  /** `version`: of the plan that runs. */
  constructor(clock: Clock, send: (message: FromWorker) => void, version: () => number) {
    this.#clock = clock;
    this.#send = send;
    this.#version = version;
  }

  announce(source: NewsSource): void {
    this.#sources.push(source);
    this.#timer ??= this.#clock.after(NEWS_MS, () => this.flush());
  }

  flush(): number {
    this.#timer?.();
    this.#timer = undefined;
    const sources = this.#sources;
    this.#sources = [];
    const targets = sources.flatMap((source) => source.takeNews() ?? []);
    if (targets.length > 0) this.#send({ kind: "news", seq: ++this.#seq, version: this.#version(), targets });
    return this.#seq;
  }
}
