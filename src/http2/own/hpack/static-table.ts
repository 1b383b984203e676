/**
 * The static table of RFC 7541, appendix A: name and value in turn. Its first entry has index 1.
 */
// biome-ignore format: one pair after the other
const STATIC: readonly string[] = [
  ":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html", ":scheme", "http",
  ":scheme", "https", ":status", "200", ":status", "204", ":status", "206", ":status", "304", ":status", "400",
  ":status", "404", ":status", "500", "accept-charset", "", "accept-encoding", "gzip, deflate",
  "accept-language", "", "accept-ranges", "", "accept", "", "access-control-allow-origin", "", "age", "",
  "allow", "", "authorization", "", "cache-control", "", "content-disposition", "", "content-encoding", "",
  "content-language", "", "content-length", "", "content-location", "", "content-range", "", "content-type", "",
  "cookie", "", "date", "", "etag", "", "expect", "", "expires", "", "from", "", "host", "", "if-match", "",
  "if-modified-since", "", "if-none-match", "", "if-range", "", "if-unmodified-since", "", "last-modified", "",
  "link", "", "location", "", "max-forwards", "", "proxy-authenticate", "", "proxy-authorization", "", "range", "",
  "referer", "", "refresh", "", "retry-after", "", "server", "", "set-cookie", "", "strict-transport-security", "",
  "transfer-encoding", "", "user-agent", "", "vary", "", "via", "", "www-authenticate", "",
];

/** Entries of the static table; the dynamic table begins at the next index. */
export const STATIC_ENTRIES = STATIC.length / 2;

/** By index from 1 to 61; what is at 0 is no entry. */
export const STATIC_NAMES: readonly string[] = ["", ...STATIC.filter((_, i) => i % 2 === 0)];
export const STATIC_VALUES: readonly string[] = ["", ...STATIC.filter((_, i) => i % 2 === 1)];

/**
 * The lowest index of a name, and of a name and value joined by a line feed, which neither can
 * contain.
 */
export const STATIC_BY_NAME: ReadonlyMap<string, number> = firstIndexes((i) => STATIC_NAMES[i]!);
export const STATIC_BY_FIELD: ReadonlyMap<string, number> = firstIndexes(
  (i) => `${STATIC_NAMES[i]}\n${STATIC_VALUES[i]}`,
);

function firstIndexes(keyAt: (index: number) => string): Map<string, number> {
  const indexes = new Map<string, number>();
  for (let i = STATIC_ENTRIES; i > 0; i--) indexes.set(keyAt(i), i);
  return indexes;
}
