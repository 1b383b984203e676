import type { Signal } from "./signal.ts";

/** What the LEN fields of a message are, by field number; what is not named is opaque bytes. */
export interface Shape {
  readonly fields: readonly (Shape | "text" | "fixed64s" | "varints" | undefined)[];
  /** By field number: each of its messages counts as an attribute (RequestLimits.maxAttributes). */
  readonly counts: readonly boolean[];
}

type ShapeField = Shape | "text" | "fixed64s" | "varints";

/** `counted`: the fields whose messages count as attributes. */
function shape(fields: Readonly<Record<number, ShapeField>>, counted: readonly number[] = []): Shape {
  const list: (ShapeField | undefined)[] = [];
  for (const [number, field] of Object.entries(fields)) list[Number(number)] = field;
  return { fields: Array.from(list), counts: Array.from(list, (_, number) => counted.includes(number)) };
}

const anyValueFields: Record<number, ShapeField> = { 1: "text" };
export const ANY_VALUE: Shape = { fields: [undefined, "text"], counts: [false, false] };
const KEY_VALUE = shape({ 1: "text", 2: ANY_VALUE });
anyValueFields[5] = shape({ 1: ANY_VALUE }, [1]);
anyValueFields[6] = shape({ 1: KEY_VALUE }, [1]);
Object.assign(ANY_VALUE, shape(anyValueFields)); // AnyValue contains itself

const ENTITY = shape({ 1: "text", 2: "text", 3: "text", 4: "text" });
const RESOURCE = shape({ 1: KEY_VALUE, 3: ENTITY }, [1, 3]);
const SCOPE = shape({ 1: "text", 2: "text", 3: KEY_VALUE }, [3]);
const EXEMPLAR = shape({ 7: KEY_VALUE }, [7]);
const EVENT = shape({ 2: "text", 3: KEY_VALUE }, [3]);
const LINK = shape({ 3: "text", 4: KEY_VALUE }, [4]);
const STATUS = shape({ 2: "text" });
const SPAN = shape({ 3: "text", 5: "text", 9: KEY_VALUE, 11: EVENT, 13: LINK, 15: STATUS }, [9, 11, 13]);
const LOG_RECORD = shape({ 3: "text", 5: ANY_VALUE, 6: KEY_VALUE, 12: "text" }, [6]);
const NUMBER_POINTS = shape({ 1: shape({ 5: EXEMPLAR, 7: KEY_VALUE }, [5, 7]) });
const HISTOGRAM = shape({ 1: shape({ 6: "fixed64s", 7: "fixed64s", 8: EXEMPLAR, 9: KEY_VALUE }, [8, 9]) });
const BUCKETS = shape({ 2: "varints" });
const EXPONENTIAL = shape({ 1: shape({ 1: KEY_VALUE, 8: BUCKETS, 9: BUCKETS, 11: EXEMPLAR }, [1, 11]) });
const SUMMARY = shape({ 1: shape({ 6: shape({}), 7: KEY_VALUE }, [6, 7]) });
const METRIC = shape(
  {
    1: "text",
    2: "text",
    3: "text",
    5: NUMBER_POINTS,
    7: NUMBER_POINTS,
    9: HISTOGRAM,
    10: EXPONENTIAL,
    11: SUMMARY,
    12: KEY_VALUE,
  },
  [12],
);

/** Of Export requests. */
export const REQUEST_SHAPES: Readonly<Record<Signal, Shape>> = {
  traces: requestOf(SPAN),
  metrics: requestOf(METRIC),
  logs: requestOf(LOG_RECORD),
};

function requestOf(item: Shape): Shape {
  return shape({ 1: shape({ 1: RESOURCE, 2: shape({ 1: SCOPE, 2: item, 3: "text" }), 3: "text" }) });
}
