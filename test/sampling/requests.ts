import { decodeRequest, encodeRequest, type Plain, type PlainValue } from "../support/oracle/oracle.ts";
import { list } from "../support/oracle/walk.ts";

/**
 * By the name of a span: `low` is kept by nothing below 1, `high` by all but 0; `none` has nothing
 * to decide by.
 */
const IDS = { low: `${"00".repeat(15)}01`, high: "ff".repeat(16), none: "" } as const;

/** A resource with its spans. */
export interface GivenSpans {
  readonly service: string;
  readonly spans: readonly GivenSpan[];
}

export interface GivenSpan {
  readonly name: keyof typeof IDS;
  readonly error?: boolean;
  readonly tier?: string;
  /** Its tracestate. */
  readonly state?: string;
  /** It has one. */
  readonly parent?: boolean;
}

export const BOTH = [{ name: "low" }, { name: "high" }] as const;

export function requestOf(given: readonly GivenSpans[]): Uint8Array {
  const resourceSpans = given.map(({ service, spans }) => ({
    resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
    scopeSpans: [{ spans: spans.map(spanOf) }],
  }));
  return encodeRequest("traces", { resourceSpans });
}

function spanOf({ name, error, tier, state, parent }: GivenSpan): Plain {
  return {
    name,
    traceId: Buffer.from(IDS[name], "hex"),
    ...(error === true && { status: { code: 2 } }),
    ...(state !== undefined && { traceState: state }),
    ...(parent === true && { parentSpanId: Buffer.from("0102030405060708", "hex") }),
    ...(tier !== undefined && { attributes: [{ key: "tier", value: { stringValue: tier } }] }),
  };
}

/** `service: name mark, name mark` of each resource that is left. */
export function leftOf(bytes: Uint8Array | undefined): string[] {
  if (bytes === undefined) return [];
  return list(decodeRequest("traces", bytes)["resourceSpans"]).map((resource) => {
    const [service] = attributesIn(resource);
    const spans = list(resource["scopeSpans"]).flatMap((scope) => list(scope["spans"]));
    const told = spans.map((span) => `${text(span["name"])} ${text(span["traceState"])}`.trim());
    return `${service === undefined ? "" : textIn(service)}: ${told.join(", ")}`;
  });
}

function attributesIn({ resource }: Plain): Plain[] {
  return isPlain(resource) ? list(resource["attributes"]) : [];
}

function textIn({ value }: Plain): string {
  return isPlain(value) ? text(value["stringValue"]) : "";
}

function isPlain(value: PlainValue | undefined): value is Plain {
  return typeof value === "object" && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
