import type { CorsPlan } from "../../plan/listen-options.ts";
import { compileOrigin } from "../../plan/origin-pattern.ts";
import type { HttpReply } from "../../http1/port.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";

/**
 * What browsers ask before a page of another origin may send: the Fetch standard, "CORS protocol".
 */
export interface Cors {
  /**
   * Headers of any reply, refusals too, to a request with this `Origin`: names and values in turn.
   */
  headersFor(origin: string | undefined): readonly string[];
  /** The answer to a preflight; undefined when this is none, or of an origin that may not send. */
  preflight(method: string, asked: HeaderSource): HttpReply | undefined;
}

/** What exporters of OTLP send that is not on the safelist of the Fetch standard. */
const OTLP_HEADERS = ["content-type", "content-encoding", "x-requested-with"];
const VARY = ["Vary", "Origin"] as const;
/** Of a preflight, too, what else its answer depends on. */
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const NO_BODY = new Uint8Array(0);
/** Names of headers, as a list. */
const NAMES = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/u;
/** Longest list of headers that is echoed. */
const MAX_ECHO = 4_096;

export function createCors({ allowedOrigins, allowedHeaders, maxAgeMs }: CorsPlan): Cors {
  const patterns = allowedOrigins.map(compileOrigin);
  const isAllowed = (origin: string | undefined): origin is string =>
    origin !== undefined && patterns.some((matches) => matches(origin));
  const any = allowedHeaders.includes("*");
  const listed = [...new Set([...OTLP_HEADERS, ...allowedHeaders.map((name) => name.toLowerCase())])];
  const always = listed.filter((name) => name !== "*").join(", ");
  return {
    headersFor(origin) {
      if (!isAllowed(origin)) return VARY;
      return [...grant(origin), "Access-Control-Expose-Headers", "Retry-After", ...VARY];
    },
    preflight(method, asked) {
      if (method !== "OPTIONS") return undefined;
      const origin = asked.header("origin");
      if (asked.header("access-control-request-method") === undefined || !isAllowed(origin)) return undefined;
      const more = any ? askedNames(asked.header("access-control-request-headers")) : "";
      const names = more === "" ? always : `${always}, ${more}`;
      const allows = ["Access-Control-Allow-Methods", "POST", "Access-Control-Allow-Headers", names];
      const maxAge = ["Access-Control-Max-Age", String(Math.floor(maxAgeMs / 1_000)), "Vary", PREFLIGHT_VARY];
      return { status: 204, headers: [...grant(origin), ...allows, ...maxAge], body: NO_BODY };
    },
  };
}

/** With credentials, since `sendBeacon` always sends them; so the origin is named, never `*`. */
function grant(origin: string): string[] {
  return ["Access-Control-Allow-Origin", origin, "Access-Control-Allow-Credentials", "true"];
}

/** Only what is a list of names: it is written into a header of ours. */
function askedNames(asked = ""): string {
  return asked.length <= MAX_ECHO && NAMES.test(asked) ? asked : "";
}
