/** What a field name means to HTTP/2 itself: RFC 9113, 8.2 and 8.3. */
export const FIELD = {
  ORDINARY: 0,
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  STATUS: 5,
  CONTENT_LENGTH: 6,
  HOST: 7,
  TE: 8,
  /** Not allowed: unknown pseudo-fields, fields of one HTTP/1.1 connection, names that are none. */
  FORBIDDEN: 9,
} as const;

/**
 * Names that have a meaning, and the usual ones of gRPC, so that they need not be looked at letter
 * by letter.
 */
const KNOWN: ReadonlyMap<string, number> = new Map<string, number>([
  [":method", FIELD.METHOD],
  [":scheme", FIELD.SCHEME],
  [":authority", FIELD.AUTHORITY],
  [":path", FIELD.PATH],
  [":status", FIELD.STATUS],
  ["content-length", FIELD.CONTENT_LENGTH],
  ["host", FIELD.HOST],
  ["te", FIELD.TE],
  ...["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"].map(forbidden),
  ...["content-type", "user-agent", "grpc-encoding", "grpc-accept-encoding", "grpc-timeout"].map(ordinary),
  ...["authorization", "accept-encoding", "grpc-status", "grpc-message", "traceparent", "tracestate"].map(ordinary),
]);

/**
 * Letters in lower case, digits and the signs of a token (RFC 9110, 5.6.2): no capitals, no colon.
 */
const NAME_BYTES = bytesOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");
const VALUE_BYTES = valueBytes();

/** One of FIELD. */
export function fieldKind(name: string): number {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  if (name === "") return FIELD.FORBIDDEN;
  for (let i = 0; i < name.length; i++) if (NAME_BYTES[name.charCodeAt(i)] !== 1) return FIELD.FORBIDDEN;
  return FIELD.ORDINARY;
}

/**
 * No control characters but the tab, and no white space at its ends: RFC 9113, 8.2.1 and RFC 9110,
 * 5.5.
 */
export function isFieldValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  for (let i = 0; i < length; i++) if (VALUE_BYTES[value.charCodeAt(i)] !== 1) return false;
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

function isBlank(character: number): boolean {
  return character === 0x20 || character === 0x09;
}

function forbidden(name: string): [string, number] {
  return [name, FIELD.FORBIDDEN];
}

function ordinary(name: string): [string, number] {
  return [name, FIELD.ORDINARY];
}

function bytesOf(characters: string): Uint8Array {
  const allowed = new Uint8Array(256);
  for (const character of characters) allowed[character.charCodeAt(0)] = 1;
  return allowed;
}

function valueBytes(): Uint8Array {
  const allowed = new Uint8Array(256).fill(1, 0x20);
  allowed[0x09] = 1;
  allowed[0x7f] = 0;
  return allowed;
}
