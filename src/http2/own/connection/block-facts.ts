import type { HeaderList } from "../contract.ts";
import { FIELD, fieldKind, isFieldValue } from "./field-rules.ts";

/** What a header block can be by its own fields. Where it may stand is the stream's to check. */
type BlockKind = "request" | "response" | "informational" | "trailers" | "malformed";

export interface BlockFacts {
  readonly kind: BlockKind;
  /** Of `content-length`, or -1 without one. */
  readonly contentLength: number;
  /** A status whose content-length tells of a body that is not sent: 204 and 304. */
  readonly bodiless: boolean;
}

const TRAILERS: BlockFacts = { kind: "trailers", contentLength: -1, bodiless: false };
const MALFORMED: BlockFacts = { kind: "malformed", contentLength: -1, bodiless: false };

/** The fields that were seen of one block. One for all blocks: examining is never interrupted. */
interface PseudoFields {
  method: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  path: string | undefined;
  status: string | undefined;
  host: string | undefined;
  contentLength: number;
  regular: boolean;
}

/**
 * Checks a block by RFC 9113, section 8. The answer is the list's alone, so that it is kept with
 * the block (hpack/block-cache.ts).
 */
export function examineBlock(headers: HeaderList): BlockFacts {
  const seen: PseudoFields = {
    method: undefined,
    scheme: undefined,
    authority: undefined,
    path: undefined,
    status: undefined,
    host: undefined,
    contentLength: -1,
    regular: false,
  };
  for (let i = 0; i < headers.length; i += 2) if (!see(seen, headers[i]!, headers[i + 1]!)) return MALFORMED;
  if (seen.status !== undefined) return asResponse(seen, seen.status);
  if (seen.method !== undefined) return asRequest(seen);
  const pseudo = seen.scheme !== undefined || seen.path !== undefined || seen.authority !== undefined;
  return pseudo ? MALFORMED : TRAILERS;
}

/** False when the field may not be there. */
function see(seen: PseudoFields, name: string, value: string): boolean {
  if (!isFieldValue(value)) return false;
  const kind = fieldKind(name);
  if (kind !== FIELD.ORDINARY && kind <= FIELD.STATUS) return !seen.regular && seePseudo(seen, kind, value);
  seen.regular = true; // 8.3: pseudo-fields come first
  switch (kind) {
    case FIELD.CONTENT_LENGTH: {
      const length = /^\d{1,15}$/u.test(value) ? Number(value) : -1;
      if (length < 0 || (seen.contentLength >= 0 && seen.contentLength !== length)) return false;
      seen.contentLength = length;
      return true;
    }
    case FIELD.HOST:
      seen.host = value;
      return true;
    case FIELD.TE:
      return value === "trailers"; // 8.2.2
    default:
      return kind === FIELD.ORDINARY;
  }
}

/** False when it was there before: 8.3. */
function seePseudo(seen: PseudoFields, kind: number, value: string): boolean {
  switch (kind) {
    case FIELD.METHOD:
      if (seen.method !== undefined) return false;
      seen.method = value;
      return true;
    case FIELD.SCHEME:
      if (seen.scheme !== undefined) return false;
      seen.scheme = value;
      return true;
    case FIELD.AUTHORITY:
      if (seen.authority !== undefined) return false;
      seen.authority = value;
      return true;
    case FIELD.PATH:
      if (seen.path !== undefined) return false;
      seen.path = value;
      return true;
    default:
      if (seen.status !== undefined) return false;
      seen.status = value;
      return true;
  }
}

/** RFC 9113, 8.3.1 and, for CONNECT, 8.5. */
function asRequest(seen: PseudoFields): BlockFacts {
  const { method, scheme, authority, path, host } = seen;
  if (method === "") return MALFORMED;
  if (authority?.includes("@") === true) return MALFORMED;
  if (authority !== undefined && host !== undefined && entity(scheme, host) !== entity(scheme, authority))
    return MALFORMED;
  if (method === "CONNECT") {
    if (scheme !== undefined || path !== undefined || authority === undefined) return MALFORMED;
  } else {
    if (scheme === undefined || scheme === "" || path === undefined) return MALFORMED;
    if (!path.startsWith("/") && !(path === "*" && method === "OPTIONS")) return MALFORMED;
  }
  return { kind: "request", contentLength: seen.contentLength, bodiless: false };
}

/**
 * Whom an authority means: letters in any case, and the scheme's own port said or not, are the
 * same.
 */
function entity(scheme: string | undefined, authority: string): string {
  const port = scheme === "http" ? ":80" : scheme === "https" ? ":443" : undefined;
  const whole = authority.toLowerCase();
  return port !== undefined && whole.endsWith(port) ? whole.slice(0, -port.length) : whole;
}

/** RFC 9113, 8.3.2; 101 has no place in HTTP/2: 8.6. */
function asResponse(seen: PseudoFields, status: string): BlockFacts {
  const { method, scheme, authority, path } = seen;
  if (method !== undefined || scheme !== undefined || authority !== undefined || path !== undefined) return MALFORMED;
  if (!/^[1-9]\d\d$/u.test(status) || status === "101") return MALFORMED;
  const kind = status.startsWith("1") ? "informational" : "response";
  return { kind, contentLength: seen.contentLength, bodiless: status === "204" || status === "304" };
}
