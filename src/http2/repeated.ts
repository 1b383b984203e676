import type { HeaderBlock } from "./headers.ts";

/*
 * Headers of replies that came more than once. Some readers give such as a list, others joined by
 * commas, and a header that must be alone (a media type, a status) is one on the way of which
 * somebody added his own. What each means is decided here:
 * - status, media type, load report, details: the first, which is the peer's own; what a proxy adds
 *   comes after it.
 * - delays: the shortest that can be read.
 * - encodings: one, if all say the same; else none that is known.
 */

/** All values of a header that has no comma in it: none, one, or several. */
export function valuesOf(headers: HeaderBlock, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return NONE;
  if (typeof value === "string" && !value.includes(",")) return [value.trim()];
  const texts = typeof value === "string" ? [value] : value;
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}

/** The first value of a header that should have one. */
export function firstOf(headers: HeaderBlock, name: string): string | undefined {
  const value = headers[name];
  if (typeof value === "string" && !value.includes(",")) return value;
  return valuesOf(headers, name)[0];
}

/** The media type, in lower case and without parameters; "" when there is none. */
export function mediaTypeOf(headers: HeaderBlock): string {
  const first = firstOf(headers, "content-type") ?? "";
  const semicolon = first.indexOf(";");
  return (semicolon < 0 ? first : first.slice(0, semicolon)).trim().toLowerCase();
}

/**
 * `content-encoding` or `grpc-encoding`, in lower case; `identity` when there is none, "a, b" when
 * several differ.
 */
export function encodingOf(headers: HeaderBlock, name: string): string {
  const named = new Set(valuesOf(headers, name).map((value) => value.toLowerCase()));
  named.delete("");
  return named.size === 0 ? "identity" : [...named].join(", ");
}

/** The least of what can be read. */
export function leastOf(values: readonly (number | undefined)[]): number | undefined {
  let least: number | undefined;
  for (const value of values) if (value !== undefined && (least === undefined || value < least)) least = value;
  return least;
}

const NONE: readonly string[] = [];
