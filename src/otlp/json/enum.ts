/**
 * The enums of OTLP, by the kind of scalar in src/otlp/json/: names of values (opentelemetry-proto
 * 1.11.0) and their numbers.
 */
export const ENUMS = {
  span_kind: named("SPAN_KIND", ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]),
  status_code: named("STATUS_CODE", ["UNSET", "OK", "ERROR"]),
  temporality: named("AGGREGATION_TEMPORALITY", ["UNSPECIFIED", "DELTA", "CUMULATIVE"]),
  severity_number: named("SEVERITY_NUMBER", ["UNSPECIFIED", ...severities()]),
} as const satisfies Record<string, ReadonlyMap<string, number>>;

/** Numbers from 0 on. */
function named(prefix: string, names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, number) => [`${prefix}_${name}`, number]));
}

/** Four of each: TRACE, TRACE2, TRACE3, TRACE4, DEBUG and so on. */
function severities(): string[] {
  const texts = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
  return texts.flatMap((text) => [text, `${text}2`, `${text}3`, `${text}4`]);
}
