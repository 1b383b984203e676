export type IfMatch = { readonly ok: true; readonly guard: readonly number[] | undefined } | { readonly ok: false };

/**
 * The versions that an `If-Match` header names (RFC 9110, 13.1.1): `"5"`, several, or `*` for any. A bare number is one too; what can
 * be no version of ours is a mistake, and told as one.
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined || header.trim() === "*") return { ok: true, guard: undefined };
  const tags = header.split(",").map((tag) => tag.trim());
  if (!tags.every((tag) => /^(?:(?:W\/)?"\d{1,15}"|\d{1,15})$/u.test(tag))) return { ok: false };
  // A weak tag never matches: only the same version will do.
  const versions = tags.map((tag) => /^"?(?<version>\d{1,15})"?$/u.exec(tag)?.groups?.["version"]);
  return { ok: true, guard: versions.filter((version) => version !== undefined).map(Number) };
}

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}
