/** Puts what may be shown in the place of what may not, wherever a text has it. */
export type Hide = (text: string) => string;

/** For whoever has nothing to hide. */
export const HIDE_NOTHING: Hide = (text) => text;

/**
 * What stands in a document as it is written: nothing of it came from elsewhere, and it may be sent
 * back, so it stays as it is.
 */
export class AsWritten {
  readonly #value: unknown;
  constructor(value: unknown) {
    this.#value = value;
  }

  toJSON(): unknown {
    return this.#value;
  }
}

/**
 * A copy of plain data with all of its texts hidden where they have to be; keys stay, and what
 * prints in its own way.
 */
export function hideIn(value: unknown, hide: Hide): unknown {
  if (hide === HIDE_NOTHING) return value;
  if (typeof value === "string") return hide(value);
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && typeof value.toJSON === "function") return value;
  if (Array.isArray(value)) return value.map((entry) => hideIn(entry, hide));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, hideIn(entry, hide)]));
}
