/**
 * Keys begin with `/`, and with Consul customarily do not: its HTTP API cannot even address one
 * that does. The first `/` is all that is taken away, and put back in front of every key that is
 * read.
 */
export function wireKey(key: string): string {
  return key.slice(1);
}

export function ownKey(key: string): string {
  return `/${key}`;
}

/**
 * Parts of a path that Consul's HTTP API resolves, as if a folder were meant: empty, `.` and `..`.
 */
const RESOLVED = /(?:^|\/)(?:\.{0,2}\/|\.{1,2}$)/u;

/** Whether a URL can name it; transactions can always. */
export function isInUrl(key: string): boolean {
  return !RESOLVED.test(wireKey(key));
}

/** The longest beginning of a prefix that a URL can name, and that ends with a part. */
export function urlPrefix(prefix: string): string {
  let end = prefix.length;
  while (!isInUrl(prefix.slice(0, end))) end = prefix.lastIndexOf("/", end - 2) + 1;
  return prefix.slice(0, end);
}
