/**
 * What a target says of its own load in answers (ORCA, the Open Request Cost Aggregation of xDS).
 */
export interface ReportedLoad {
  /** 0 to 1: of the application where it tells, else of the processor. */
  readonly utilisation: number;
}

/** Header of HTTP answers and trailer of gRPC answers that carries a report as text. */
export const REPORTED_LOAD_HEADER = "endpoint-load-metrics";

/** Longer texts are no reports. */
const MAX_LENGTH = 4_096;

/**
 * Reads `TEXT cpu_utilization=0.3, mem_utilization=0.8` and `JSON {"cpu_utilization":0.3}` (as xDS
 * writes them); undefined for whatever else is there: it comes from outside, and is only advice.
 */
export function parseReportedLoad(text: string): ReportedLoad | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const trimmed = text.trim();
  const format = /^(?:TEXT|JSON)\s+/u.exec(trimmed)?.[0] ?? "";
  const body = trimmed.slice(format.length);
  const numbers = format.startsWith("JSON") || body.startsWith("{") ? fromJson(body) : fromText(body);
  const utilisation = numbers.get("application_utilization") || numbers.get("cpu_utilization");
  return utilisation === undefined ? undefined : { utilisation: Math.min(1, utilisation) };
}

function fromText(body: string): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const pair of body.split(",")) {
    const [key = "", value = ""] = pair.split("=");
    keep(numbers, key.trim(), value.trim() === "" ? Number.NaN : Number(value));
  }
  return numbers;
}

function fromJson(body: string): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [key, value] of Object.entries(parsed(body))) keep(numbers, snakeCase(key), value);
  return numbers;
}

function keep(numbers: Map<string, number>, key: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < Infinity) numbers.set(key, value);
}

function parsed(body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Protobuf's JSON has `cpuUtilization` for `cpu_utilization`; both are allowed. */
function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
