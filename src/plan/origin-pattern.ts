import { compileGlob } from "../config/glob.ts";

/**
 * An origin that a pattern allows has its scheme, its port, and as many labels; `*` in a label of
 * the pattern stands for any text without a dot. So no pattern is met by a name in somebody else's
 * domain. Compares as browsers do, without case.
 */
export function compileOrigin(pattern: string): (origin: string) => boolean {
  const want = partsOf(pattern);
  if (want === undefined) return () => false;
  const labels = want.labels.map(compileGlob);
  return (origin) => {
    const parts = partsOf(origin);
    if (parts === undefined || parts.scheme !== want.scheme || parts.port !== want.port) return false;
    return parts.labels.length === labels.length && labels.every((matches, i) => matches(parts.labels[i]!));
  };
}

interface OriginParts {
  readonly scheme: string;
  readonly labels: readonly string[];
  readonly port: string;
}

const ORIGIN = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<host>\[[0-9a-f:.]+\]|[a-z0-9*._-]+)(?::(?<port>[0-9]{1,5}))?$/u;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };
/** Longer ones are nobody's: a host name has 253 letters at most. */
const MAX_LETTERS = 512;

/** Undefined for `null`, which pages without an origin send, and for anything that is no origin. */
function partsOf(text: string): OriginParts | undefined {
  if (text.length > MAX_LETTERS) return undefined;
  const { scheme, host, port = "" } = ORIGIN.exec(text.toLowerCase())?.groups ?? {};
  if (scheme === undefined || host === undefined) return undefined;
  const labels = host.startsWith("[") ? [host] : host.split(".");
  if (labels.includes("")) return undefined;
  return { scheme, labels, port: port === DEFAULT_PORTS[scheme] ? "" : port };
}
