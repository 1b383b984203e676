import { inspect } from "node:util";

/** A text that must not be shown: it prints as `[redacted]` however it is printed. */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself: only for the place that sends or compares it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** What is shown in the place of a secret. */
export const REDACTED = "[redacted]";
