import type { Signal } from "../otlp/signal.ts";
import { encodeJson } from "./encode-json.ts";
import { encodeProtobuf } from "./encode-protobuf.ts";
import { modelOf } from "./generate.ts";
import type { GenerateOptions } from "./generate.ts";
import { locateJson } from "./locate-json.ts";
import { locateProtobuf } from "./locate-protobuf.ts";
import type { Places } from "./places.ts";

export type Format = "protobuf" | "json";

/**
 * An Export request that can be sent again and again as a new one: the places of its ids and times are known and are
 * overwritten in place. Owns its bytes; they must not be stamped while a send is under way.
 */
export interface Prepared {
  readonly signal: Signal;
  readonly format: Format;
  /** Ids stand in it as hex text: in JSON, and in the sequence attribute of metrics. */
  readonly idsAsText: boolean;
  readonly bytes: Uint8Array;
  readonly items: number;
  /** Places of running numbers (span ids, parents, sequences) and whose item's number belongs there. */
  readonly numberAt: Int32Array;
  readonly numberItem: Int32Array;
  /** Places of trace ids and the item with which the trace begins. */
  readonly traceAt: Int32Array;
  readonly traceItem: Int32Array;
  /** Places of times and how many nanoseconds they are after the request's own time; below 2^32. */
  readonly timeAt: Int32Array;
  readonly timeDelta: Uint32Array;
}

/** Generates a request and finds its places. */
export function prepare(signal: Signal, format: Format, options: GenerateOptions): Prepared {
  const model = modelOf(signal, options);
  if (format === "json") return prepareJson(signal, encodeJson(model), options.wallMs);
  return prepareProtobuf(signal, encodeProtobuf(model), options.wallMs);
}

/** Takes over a protobuf request that was generated here, for the time `wallMs`. */
export function prepareProtobuf(signal: Signal, bytes: Uint8Array, wallMs: number): Prepared {
  return preparedOf(signal, "protobuf", bytes, locateProtobuf(signal, bytes), wallMs);
}

/** Takes over a JSON request that was generated here, for the time `wallMs`. */
export function prepareJson(signal: Signal, bytes: Uint8Array, wallMs: number): Prepared {
  return preparedOf(signal, "json", bytes, locateJson(bytes), wallMs);
}

/** Owned: the same request in its own bytes. The places are shared. */
export function copyPrepared(prepared: Prepared): Prepared {
  return { ...prepared, bytes: new Uint8Array(prepared.bytes) };
}

function preparedOf(signal: Signal, format: Format, bytes: Uint8Array, places: Places, wallMs: number): Prepared {
  const { numbers, traces, times } = places;
  const base = BigInt(Math.floor(wallMs)) * 1_000_000n;
  return {
    signal,
    format,
    idsAsText: format === "json" || signal === "metrics",
    bytes,
    items: places.items,
    numberAt: Int32Array.from(numbers, ({ at }) => at),
    numberItem: Int32Array.from(numbers, ({ item }) => item),
    traceAt: Int32Array.from(traces, ({ at }) => at),
    traceItem: Int32Array.from(traces, ({ item }) => item),
    timeAt: Int32Array.from(times, ({ at }) => at),
    timeDelta: Uint32Array.from(times, ({ nanos }) => Number(nanos - base)),
  };
}
