import type { Random } from "../core/random.ts";
import { between, oneOf } from "./chance.ts";
import type { ItemContext } from "./item-context.ts";
import { spanIdText } from "./id.ts";
import { text } from "./model.ts";
import type { HistogramPoint, KeyValue, Metric, NumberPoint } from "./model.ts";
import { SEQUENCE_KEY } from "./running-number.ts";

/** Data points of one metric: what partial_success counts is three times what items are. */
export const POINTS_PER_METRIC = 3;

const BOUNDS = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000];
const ROUTES = ["/api/v1/orders/{id}", "/api/v1/carts/{id}", "/api/v1/users/{id}", "/healthz"];
const CUMULATIVE = 2;

/** A sum, a gauge or a histogram in turn; its first point carries the running number. */
export function metric(context: ItemContext): Metric {
  switch (context.number % 3) {
    case 0:
      return {
        name: "http.server.request.count",
        unit: "{request}",
        sum: { dataPoints: points(context, intPoint), aggregationTemporality: CUMULATIVE, isMonotonic: true },
      };
    case 1:
      return {
        name: "process.cpu.utilization",
        unit: "1",
        gauge: { dataPoints: points(context, doublePoint) },
      };
    default:
      return {
        name: "http.server.request.duration",
        unit: "ms",
        histogram: { dataPoints: points(context, histogramPoint), aggregationTemporality: CUMULATIVE },
      };
  }
}

interface PointHead {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

function points<Point>(context: ItemContext, make: (head: PointHead, random: Random) => Point): Point[] {
  const { random, source, number, baseNanos } = context;
  return Array.from({ length: POINTS_PER_METRIC }, (_, i) => {
    const attributes = [text("http.route", oneOf(random, ROUTES)), text("http.request.method", "GET")];
    if (i === 0) attributes.push(text(SEQUENCE_KEY, spanIdText(source, number)));
    const endNanos = baseNanos + BigInt(between(random, 0, 900_000_000));
    return make({ attributes, startTimeUnixNano: String(baseNanos), timeUnixNano: String(endNanos) }, random);
  });
}

function intPoint(head: PointHead, random: Random): NumberPoint {
  return { ...head, asInt: String(between(random, 0, 1_000_000)) };
}

function doublePoint(head: PointHead, random: Random): NumberPoint {
  return { ...head, asDouble: between(random, 0, 1_000) / 1_000 };
}

function histogramPoint(head: PointHead, random: Random): HistogramPoint {
  const buckets = Array.from({ length: BOUNDS.length + 1 }, () => between(random, 0, 50));
  const count = buckets.reduce((sum, bucket) => sum + bucket, 0);
  return {
    ...head,
    count: String(count),
    sum: count * 40.5,
    bucketCounts: buckets.map(String),
    explicitBounds: BOUNDS,
  };
}
