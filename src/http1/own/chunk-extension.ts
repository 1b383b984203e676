import { OCTETS, SEMICOLON, TOKEN, VALUE } from "./octets.ts";

const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** Where in `;name=value;name="value"` it is, right behind the first semicolon at the beginning. */
type ExtensionPlace = "name begins" | "name" | "value begins" | "value" | "quoted" | "escaped" | "quoted ended";

/**
 * Extensions of one chunk, byte by byte: RFC 9112, 7.1.1, without the blanks that it calls bad.
 * They are read only to see that they are nothing else.
 */
export class ChunkExtension {
  #place: ExtensionPlace = "name begins";

  /** The line may end here. */
  get mayEnd(): boolean {
    return this.#place === "name" || this.#place === "value" || this.#place === "quoted ended";
  }

  /** False: the byte has no place here. */
  take(byte: number): boolean {
    const next = this.#next(byte);
    if (next === undefined) return false;
    this.#place = next;
    return true;
  }

  #next(byte: number): ExtensionPlace | undefined {
    const isToken = (OCTETS[byte]! & TOKEN) !== 0;
    switch (this.#place) {
      case "name begins":
        return isToken ? "name" : undefined;
      case "name":
        if (byte === EQUALS) return "value begins";
        return isToken ? "name" : nextName(byte);
      case "value begins":
        if (byte === QUOTE) return "quoted";
        return isToken ? "value" : undefined;
      case "value":
        return isToken ? "value" : nextName(byte);
      case "quoted":
        if (byte === QUOTE) return "quoted ended";
        if (byte === BACKSLASH) return "escaped";
        return (OCTETS[byte]! & VALUE) === 0 ? undefined : "quoted";
      case "escaped":
        return (OCTETS[byte]! & VALUE) === 0 ? undefined : "quoted";
      case "quoted ended":
        return nextName(byte);
    }
  }
}

function nextName(byte: number): ExtensionPlace | undefined {
  return byte === SEMICOLON ? "name begins" : undefined;
}
