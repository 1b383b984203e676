import { seededRandom } from "../core/random.ts";
import type { Signal } from "../otlp/signal.ts";
import { encodeJson, encodeProtobuf, LEVELS, type FieldSlot, type Value } from "./encode.ts";
import { logRecord, metric, resourceOf, span } from "./items.ts";
import { type Places, type PreparedRequest, stamp } from "./prepared.ts";

export interface GenerateOptions {
  /** Spans, metrics or log records in the request, shared out evenly over the resources. */
  readonly items: number;
  readonly resources: number;
  /** The resources take the services in turn, from `firstService` on. */
  readonly services: readonly string[];
  readonly firstService?: number;
  /** The same seed and options give the same bytes. */
  readonly seed: number;
  /** Who generates (1 to 65,535), and the running number of the first item. Default 1 and 0. */
  readonly source?: number;
  readonly firstNumber?: number;
  /** Milliseconds since 1970 at which the first item happens; the others within a second of it. */
  readonly wallMs: number;
}

/** Generates a request that can be sent again and again as a new one. */
export function prepare(signal: Signal, format: PreparedRequest["format"], options: GenerateOptions): PreparedRequest {
  const request = { [LEVELS[signal][0]]: resourcesOf(signal, options) };
  const { bytes, slots } = format === "json" ? encodeJson(request) : encodeProtobuf(signal, request);
  const places = (kind: FieldSlot["kind"]): Places => {
    const found = slots.filter(({ slot }) => slot.kind === kind);
    return { at: Int32Array.from(found, ({ at }) => at), of: Uint32Array.from(found, ({ slot }) => slot.of) };
  };
  const prepared: PreparedRequest = {
    signal,
    format,
    idsAsText: format === "json" || signal === "metrics",
    bytes,
    items: options.items,
    numbers: places("number"),
    traces: places("trace"),
    times: places("time"),
  };
  const { source = 1, firstNumber = 0, wallMs } = options;
  stamp(prepared, { source, firstNumber, wallMs });
  return prepared;
}

const SCOPE = { name: "signalbox.generate", version: "1.0.0" };
const MAKE_ITEM = { traces: span, metrics: metric, logs: logRecord } as const;
/** Items of one trace that follow each other. */
const ITEMS_PER_TRACE = 5;

function resourcesOf(
  signal: Signal,
  { items, seed, services, firstService = 0, ...options }: GenerateOptions,
): Value[] {
  const random = seededRandom(seed);
  const [, scopes, itemsName] = LEVELS[signal];
  const count = Math.max(1, Math.min(options.resources, items));
  return Array.from({ length: count }, (_, i) => {
    const [first, end] = [Math.floor((items * i) / count), Math.floor((items * (i + 1)) / count)];
    const resource = resourceOf(random, services[(firstService + i) % services.length] ?? "unknown_service");
    const made = Array.from({ length: end - first }, (__, at) =>
      MAKE_ITEM[signal](random, { item: first + at, traceItem: first + at - (at % ITEMS_PER_TRACE) }),
    );
    return { resource, [scopes]: [{ scope: SCOPE, [itemsName]: made }] };
  });
}
